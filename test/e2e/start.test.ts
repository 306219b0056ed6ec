/** A start that cannot be: one line that says what, why and what to do; exit code 1; nothing of the user's changed. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { runCommand } from "../support/sluice.ts";

const root = join(import.meta.dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "sluice-start-"));

/** Runs `sluice start` to its end; gives what it said as errors. */
async function refusedStart(dataDir: string, ...args: readonly string[]): Promise<string> {
  const ports = args.includes("--grpc-port") ? [] : ["--grpc-port", "0"];
  const api = args.includes("--api-port") ? [] : ["--api-port", "0"];
  const { code, stdout, stderr } = await runCommand(process.execPath, [
    join(root, "bin", "sluice.js"),
    ...["start", "--data", dataDir, "--isolation", "process", ...ports, ...api, ...args],
  ]);
  assert.equal(code, 1, stdout + stderr);
  assert.equal(stdout, "");
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("sluice: warning:"));
  assert.equal(lines.length, 1, stderr);
  return lines[0] as string;
}

describe("sluice start refuses in one line", () => {
  after(() => rmSync(folder, { recursive: true }));

  test("a port in use, of gRPC and of the API, and names the flag for another", async () => {
    const busy = createServer().listen(0, "127.0.0.1");
    await once(busy, "listening");
    const port = String((busy.address() as AddressInfo).port);
    const dataDir = join(folder, "ports");
    assert.match(await refusedStart(dataDir, "--grpc-port", port), new RegExp(`${port}.*--grpc-port`));
    assert.match(await refusedStart(dataDir, "--api-port", port), new RegExp(`${port}.*--api-port`));
    busy.close();
  });

  test("a data directory that is a file", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "mine");
    assert.match(await refusedStart(file), /file/);
    assert.equal(readFileSync(file, "utf8"), "mine");
  });

  test("a damaged database, which stays as it is", async () => {
    const dataDir = join(folder, "damaged");
    mkdirSync(dataDir);
    const bytes = Buffer.alloc(8192, 0x5a);
    writeFileSync(join(dataDir, "sluice.db"), bytes);
    assert.match(await refusedStart(dataDir), /sluice\.db is damaged.*Restore a backup/);
    assert.ok(readFileSync(join(dataDir, "sluice.db")).equals(bytes));
  });

  test("a database of a newer Sluice, which stays as it is", async () => {
    const dataDir = join(folder, "newer");
    mkdirSync(dataDir);
    const database = new DatabaseSync(join(dataDir, "sluice.db"));
    database.exec("create table of_the_future (x); pragma user_version = 9999");
    database.close();
    const before = readFileSync(join(dataDir, "sluice.db"));
    assert.match(await refusedStart(dataDir), /newer/);
    assert.ok(readFileSync(join(dataDir, "sluice.db")).equals(before));
  });

  test("a configuration with an unknown key, and one that is not there", async () => {
    const file = join(folder, "config.yaml");
    writeFileSync(file, "queueCallMax: 5\n");
    assert.match(await refusedStart(join(folder, "config"), "--config", file), /unknown key queueCallMax/);
    assert.match(await refusedStart(join(folder, "config"), "--config", `${file}.no`), /config\.yaml\.no/);
  });
});
