/**
 * A program for the test of a full disk: run it in a mount namespace of its own, with a folder. It mounts a small disk
 * there, has a Sluice keep its data on it, fills it, and looks what goes on and what is refused.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/base.ts";
import { ApiError, Client } from "../../src/client/client.ts";
import { folderOf, runJob, testPrograms } from "./clients.ts";
import { eventually, Sluice } from "./sluice.ts";

const [folder = ""] = process.argv.slice(2);
/** Room for the function's package three times. */
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=96m", "tmpfs", folder]);
assert.equal(mounted.status, 0, String(mounted.stderr));

const dataDir = join(folder, "data");
const ballast = join(folder, "ballast");

/** Leaves no byte free. */
function fill(): void {
  const file = openSync(ballast, "w");
  for (let size = 1024 ** 2; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
  closeSync(file);
}

function refusal(wanted: Promise<unknown>): Promise<ApiError> {
  return wanted.then(
    () => assert.fail("It was not refused"),
    (error: unknown) => {
      assert.ok(error instanceof ApiError, String(error));
      return error;
    },
  );
}

const { go } = await testPrograms();
const echo = (name: string) => ({
  name,
  codeUri: folderOf(go.echo),
  function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./echo"] } },
});
let sluice = await Sluice.start({ dataDir });
const clientOf = () =>
  new Client(
    { apiUrl: sluice.endpoint.apiUrl, ...JSON.parse(readFileSync(join(dataDir, "credentials.json"), "utf8")) },
    systemClock,
  );
let calls = 0;
const call = async (count: number) => {
  assert.deepEqual((await runJob(sluice, info, { calls: count })).codes, { OK: count });
  calls += count;
};
const info = await sluice.deploy(echo("there"));
await call(5);

fill();
// Calls and reads go on, with their logs and their bill.
await call(300);
let client = clientOf();
assert.equal((await client.services().list()).length, 1);
assert.equal((await sluice.infos()).length, 1);
// Every kind of write is refused with the same code and a sentence, by hand and by the command line.
const description = "x".repeat(200);
for (const write of [
  () => client.services().create({ serviceName: "more" }),
  () => client.services().update("test", { description }),
  () => client.functions("test").update("there", { description }),
  () => client.publishVersion("test", ""),
  () => client.functions("test").delete("there"),
]) {
  const error = await refusal(write());
  if (error.code === "FunctionNotEmpty") continue;
  assert.equal(error.code, "ResourceExhausted", error.message);
  assert.equal(error.status, 507);
  assert.match(error.message, /^[A-Z][^\n]* no room[^\n]*[Ff]ree space[^\n]*$/);
}
const deployed = await sluice.cli(["deploy", "-t", await specificationElsewhere(), "-y"]);
assert.equal(deployed.code, 1);
assert.match(deployed.stderr, /no room.*ResourceExhausted/s);
const backedUp = await sluice.cli(["backup", join("/dev/shm", `sluice-full-${process.pid}.zip`)]);
assert.match(backedUp.stderr, /no room.*ResourceExhausted/s);
assert.deepEqual(
  readdirSync(dataDir).filter((name) => /^(backup-|restore)/.test(name)),
  [],
);
assert.deepEqual(
  readdirSync(join(dataDir, "code")).filter((name) => name.startsWith("tmp-")),
  [],
);

// There is space again: the same writes work, and nothing of the bill is lost.
rmSync(ballast);
await client.services().update("test", { description });
await call(5);
await eventually("all calls are billed", async () => {
  const usage = await client.usage();
  return usage.reduce((sum, row) => sum + row.calls, 0) === calls;
});
// A backup onto a full disk leaves no part of itself.
fill();
const onFull = await sluice.cli(["backup", join(folder, "onto-full.zip")]);
assert.equal(onFull.code, 1);
assert.deepEqual(readdirSync(folder).sort(), ["ballast", "data"]);

// Killed on a full disk: the start there works or says why in one line; afterwards all is there.
sluice.child.kill("SIGKILL");
await sluice.exited;
const started = await Sluice.start({ dataDir }).catch((error: Error) => error);
if (started instanceof Error) assert.match(started.message, /\nsluice: [^\n]*(no room|full|ENOSPC)[^\n]*\n$/);
else assert.equal(await started.stop(), 0);
rmSync(ballast);
sluice = await Sluice.start({ dataDir });
client = clientOf();
await call(5);
assert.equal((await client.services().get("test")).description, description);
await client.services().create({ serviceName: "more" });
assert.equal(await sluice.stop(), 0);

/** The data directory has no room for one. */
async function specificationElsewhere(): Promise<string> {
  const { cpSync, mkdtempSync, rmSync: remove } = await import("node:fs");
  const elsewhere = mkdtempSync("/dev/shm/sluice-full-");
  remove(ballast);
  const file = await sluice.writeSpecification(echo("more"));
  fill();
  cpSync(file, join(elsewhere, "s.yaml"));
  return join(elsewhere, "s.yaml");
}
