import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { writeWhole } from "./whole-file.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-whole-"));
});
after(() => rm(folder, { recursive: true }));

test("writeWhole: the bytes, for their owner alone; a file that is there only with leave", async () => {
  const path = join(folder, "a");
  assert.equal(await writeWhole(path, false, async () => Readable.from([Buffer.from("one"), Buffer.from("two")])), 6);
  assert.equal(await readFile(path, "utf8"), "onetwo");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const again = () => writeWhole(path, false, async () => Readable.from([Buffer.from("three")]));
  await assert.rejects(again(), { message: /is there already: name another file, or say --force/ });
  await writeWhole(path, true, async () => Readable.from([Buffer.from("three")]));
  assert.equal(await readFile(path, "utf8"), "three");
});

test("writeWhole: where the bytes end early, or the folder is missing, nothing is left and what was there stays", async () => {
  const path = join(folder, "early");
  await writeFile(path, "before");
  const content = Readable.from(
    (async function* () {
      yield Buffer.from("half");
      throw new Error("aborted");
    })(),
  );
  await assert.rejects(
    writeWhole(path, true, async () => content),
    { message: /ended the answer early, so that nothing/ },
  );
  assert.equal(await readFile(path, "utf8"), "before");
  const lost = join(folder, "none", "b");
  await assert.rejects(
    writeWhole(lost, false, async () => Readable.from([])),
    { message: /^cannot write .*none\/b: ENOENT/ },
  );
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".part")),
    [],
  );
});

test("writeWhole: interrupted by Ctrl-C, it leaves nothing, and the process ends by the signal", async () => {
  const program = `
    import { Readable } from "node:stream";
    const { writeWhole } = await import(${JSON.stringify(join(import.meta.dirname, "whole-file.ts"))});
    const content = new Readable({ read() {} });
    content.push(Buffer.alloc(100_000));
    setTimeout(() => {}, 60_000);
    setImmediate(() => process.stdout.write("begun"));
    await writeWhole(${JSON.stringify(join(folder, "interrupted"))}, false, async () => content);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await once(child.stdout, "data");
  child.kill("SIGINT");
  assert.deepEqual(await exited, [null, "SIGINT"]);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes("interrupted")),
    [],
  );
});
