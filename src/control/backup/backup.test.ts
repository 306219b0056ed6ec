import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fromBufferPromise } from "yauzl";
import { ZipFile } from "yazl";
import { openSqliteStore, type Store } from "../../store/store.ts";
import { usage } from "../../store/testing/samples.ts";
import { credentials, type OpenControlPlane, openControlPlane } from "../testing/open-control.ts";
import { open, type RawAnswer, send } from "../testing/signed-request.ts";
import { everyWrite, IMAGE } from "../testing/writes.ts";
import { finishRestore } from "./finish-restore.ts";
import { READY_NAME, RESTORE_FOLDER, stageRestore } from "./stage-restore.ts";

/** Writes up to here: all kinds of resources are there. */
const WRITES = 16;

let scratch: string;
/** A data folder with something of everything, closed. */
let full: string;
let archive: Buffer;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "sluice-backup-"));
  full = join(scratch, "full");
  const opened = await openIn("full");
  for (const { method, path, body } of (await everyWrite()).slice(0, WRITES)) {
    const answer = await send(opened.control.apiPort, { method, path, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, answer.text);
  }
  await opened.store.appendUsage(credentials.accountId, [usage("i", 0, 100, 2)]);
  archive = await backUp(opened);
  await opened.control.close();
  // Its start removes what nothing names any more.
  await (await openIn("full")).control.close();
});
after(() => rm(scratch, { recursive: true }));

/** A control plane on a folder of the scratch folder, with keys as a start makes them. */
async function openIn(name: string): Promise<OpenControlPlane> {
  const folder = join(scratch, name);
  await mkdir(join(folder, "tls"), { recursive: true });
  if (!existsSync(join(folder, "credentials.json"))) {
    await writeFile(join(folder, "credentials.json"), JSON.stringify(credentials), { mode: 0o600 });
    await writeFile(join(folder, "tls", "ca.key"), `key of ${name}`, { mode: 0o600 });
    await writeFile(join(folder, "tls", "ca.pem"), `certificate of ${name}`);
  }
  const opened = await openControlPlane(folder);
  opened.images.ids.set(IMAGE, `sha256:${"1".repeat(64)}`);
  return opened;
}

async function backUp({ control }: OpenControlPlane): Promise<Buffer> {
  const answer = await open(control.apiPort, { path: "/sluice/v1/backup" });
  const bytes = await buffer(answer);
  assert.equal(answer.statusCode, 200, bytes.toString());
  return bytes;
}

function restore({ control }: OpenControlPlane, bytes: Buffer): Promise<RawAnswer> {
  return send(control.apiPort, { method: "POST", path: "/sluice/v1/restore", body: bytes });
}

function partsOf(dataDir: string) {
  return { dataDir, storeFile: join(dataDir, "state.db"), openStore: (file: string) => openSqliteStore({ file }) };
}

/** Everything that a store holds, with ETags. */
async function contents(store: Store): Promise<unknown> {
  return { documents: await store.changesSince(0), usage: await store.usageTotals(credentials.accountId) };
}

async function contentsOf(dataDir: string): Promise<unknown> {
  const store = await openSqliteStore({ file: join(dataDir, "state.db") });
  const found = await contents(store);
  await store.close();
  return found;
}

/** Files below a folder with the hashes of their bytes, but for what the database keeps open and the audit log. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith("state.db") || entry.name === "audit.log") continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length + 1)] = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return files;
}

/** The archive with one entry changed: other bytes, or none. */
async function tampered(change: (name: string, bytes: Buffer) => Buffer | undefined): Promise<Buffer> {
  const zip = await fromBufferPromise(archive);
  const made = new ZipFile();
  for await (const entry of zip.eachEntry()) {
    const bytes = change(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
    if (bytes !== undefined) made.addBuffer(bytes, entry.fileName);
  }
  made.end();
  return buffer(made.outputStream as NodeJS.ReadableStream);
}

/** As `tampered`, and the manifest says so. */
async function forged(path: string, bytes: Buffer): Promise<Buffer> {
  return tampered((name, before) => {
    if (name === path) return bytes;
    if (name !== "manifest.json") return before;
    const manifest = JSON.parse(before.toString());
    const file = manifest.files.find((each: { path: string }) => each.path === path);
    Object.assign(file, { sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") });
    return Buffer.from(JSON.stringify(manifest));
  });
}

describe("restored", () => {
  test("into a running control plane: everything is as it was, keys and code too, and it can be written on", async () => {
    const target = await openIn("running");
    const { apiPort } = target.control;
    await send(apiPort, { method: "POST", path: "/2021-04-06/services", body: '{"serviceName":"other"}' });
    await target.store.appendUsage(credentials.accountId, [usage("later", 0, 7, 1)]);
    const answer = await restore(target, archive);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      {
        services: answer.json()["services"],
        functions: answer.json()["functions"],
        accountId: answer.json()["accountId"],
      },
      { services: 1, functions: 2, accountId: credentials.accountId },
    );
    await target.control.closed;
    assert.equal(target.control.wasRestored, true);
    const before = (await contentsOf(full)) as { documents: unknown };
    const found = (await contentsOf(target.dataDir)) as { documents: unknown; usage: { calls: number }[] };
    assert.deepEqual(found.documents, before.documents);
    assert.equal(found.usage[0]?.calls, 3, "the bill keeps what was used since");
    const files = await filesOf(target.dataDir);
    const { logs: _logs, ...wanted } = await filesOf(full);
    assert.deepEqual(files, wanted);
    assert.equal((await stat(join(target.dataDir, "registry-credentials.key"))).mode & 0o777, 0o600);
    assert.equal((await stat(join(target.dataDir, "tls", "ca.pem"))).mode & 0o777, 0o644);

    const again = await openIn("running");
    const { main, control } = again;
    assert.ok(main.received[0]?.type === "snapshot" && main.received[0].entries.length > 5);
    const path = "/2021-04-06/services/svc/functions/fn";
    assert.equal((await send(control.apiPort, { method: "PUT", path, body: '{"timeout":77}' })).status, 200);
    // Its credentials for the registry were sealed with the key that came along.
    const image = { method: "PUT", path: "/2021-04-06/services/svc/functions/image" } as const;
    const body = JSON.stringify({ customContainerConfig: { image: IMAGE } });
    const updated = await send(control.apiPort, { ...image, body });
    assert.equal(updated.status, 200, updated.text);
    assert.deepEqual(again.images.requests.at(-1)?.credentials?.password, "secret");
    await control.close();
  });

  test("while functions are written: the backup holds each write whole, the newest acknowledged before it too", async () => {
    const source = await openIn("written");
    const { control } = source;
    await send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body: '{"serviceName":"s"}' });
    let written = 0;
    let stop = false;
    const writing = (async () => {
      for (; !stop; written += 1) {
        const body = JSON.stringify({ description: "x".repeat(200), serviceName: `s${written}` });
        const answer = await send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body });
        assert.equal(answer.status, 200, answer.text);
      }
    })();
    while (written < 20) await new Promise((resolve) => setImmediate(resolve));
    const acknowledged = written;
    const taken = await backUp(source);
    stop = true;
    await writing;
    await control.close();
    const target = join(scratch, "from-written");
    await mkdir(target);
    await restoreInto(target, taken);
    const store = await openSqliteStore({ file: join(target, "state.db") });
    const services = await store.list(credentials.accountId, "service");
    assert.ok(services.length > acknowledged && services.length <= written + 1);
    assert.equal(await store.currentChange(), services.length);
    await store.close();
  });
});

async function restoreInto(folder: string, bytes: Buffer): Promise<void> {
  const { Readable } = await import("node:stream");
  const staged = await stageRestore(partsOf(folder), Readable.from([bytes]), undefined);
  await staged.commit();
  await staged.store.close();
  assert.equal(await finishRestore(partsOf(folder)), true);
}

describe("refused in one sentence, with nothing changed", () => {
  const cases: [what: string, make: () => Buffer | Promise<Buffer>, words: RegExp][] = [
    ["no zip", () => randomBytes(5000), /the file is damaged or no backup/],
    ["an empty file", () => Buffer.alloc(0), /the file is damaged or no backup/],
    ["the half of one", () => archive.subarray(0, archive.length / 2), /the file is damaged or no backup/],
    [
      "one with a flipped bit in its database",
      () => flipped(archive, archive.indexOf("PK\x03\x04", 10) + 200),
      /bytes of|damaged/,
    ],
    ["one whose database cannot be inflated", () => uninflatable(archive), /damaged or no backup/],
    [
      "one without manifest",
      () => tampered((name, bytes) => (name === "manifest.json" ? undefined : bytes)),
      /no manifest/,
    ],
    [
      "one of a newer Sluice",
      () => tampered((name, bytes) => (name === "manifest.json" ? newer(bytes) : bytes)),
      /newer Sluice/,
    ],
    [
      "one that lacks a package",
      () => tampered((name, bytes) => (name.startsWith("code/") ? undefined : bytes)),
      /holds other files|is missing/,
    ],
    [
      "one with other bytes",
      () => tampered((name, bytes) => (name.endsWith("ca.key") ? Buffer.from(bytes).fill(1) : bytes)),
      /bytes of files\/tls\/ca\.key/,
    ],
    ["one with a damaged database", () => forged("state.db", randomBytes(9000)), /its database is damaged/],
    [
      "one of another account's credentials",
      () => forged("files/credentials.json", Buffer.from("{}")),
      /credentials are missing/,
    ],
    [
      "one that leads out of the folder",
      () => tampered((name, bytes) => (name === "manifest.json" ? escaping(bytes) : bytes)),
      /not one of Sluice/,
    ],
  ];
  for (const [what, make, words] of cases) {
    test(what, async () => {
      const target = await openIn(`refusing-${what.replaceAll(/\W/g, "-")}`);
      const { control, store, dataDir } = target;
      await send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body: '{"serviceName":"mine"}' });
      const before = [await contents(store), await filesOf(dataDir)];
      const answer = await restore(target, await make());
      assert.equal(answer.status, 400, answer.text);
      assert.match(String(answer.json()["Message"]), words);
      assert.match(String(answer.json()["Message"]), /^The backup cannot be used: .*\. Nothing was changed$/);
      assert.deepEqual([await contents(store), await filesOf(dataDir)], before);
      const after = await send(control.apiPort, { path: "/2021-04-06/services/mine" });
      assert.equal(after.status, 200);
      await control.close();
    });
  }

  test("another body than the one that was signed", async () => {
    const target = await openIn("unsigned");
    const path = "/sluice/v1/restore";
    const answer = await send(target.control.apiPort, { method: "POST", path, body: archive, bodySent: "else" });
    assert.equal(answer.json()["Code"], "SignatureNotMatch", answer.text);
    assert.ok(!existsSync(join(target.dataDir, RESTORE_FOLDER)));
    await target.control.close();
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The second file with a deflate block of the type that is none (RFC 1951 §3.2.3). */
function uninflatable(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const header = copy.indexOf("PK\x03\x04", 10);
  assert.equal(copy.readUInt16LE(header + 8), 8, "it is deflated");
  copy[header + 30 + copy.readUInt16LE(header + 26) + copy.readUInt16LE(header + 28)] = 0b111;
  return copy;
}

function newer(bytes: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), version: 99 }));
}

function escaping(bytes: Buffer): Buffer {
  const manifest = JSON.parse(bytes.toString());
  manifest.files[1].path = "files/../../escaped";
  return Buffer.from(JSON.stringify(manifest));
}

describe("cut short", () => {
  test("before it is decided: the next start throws away what was prepared, and half a backup", async () => {
    const folder = join(scratch, "undecided");
    await cp(full, folder, { recursive: true });
    const before = await contentsOf(folder);
    await mkdir(join(folder, RESTORE_FOLDER, "packages"), { recursive: true });
    await writeFile(join(folder, RESTORE_FOLDER, "state.db"), "half");
    await mkdir(join(folder, "backup-abc"));
    assert.equal(await finishRestore(partsOf(folder)), false);
    assert.deepEqual(await contentsOf(folder), before);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => /restore|backup/.test(name)),
      [],
    );
  });

  test("after it: however often it is cut short while things are moved, the next start brings it to its end", async () => {
    const { Readable } = await import("node:stream");
    const prepared = join(scratch, "prepared");
    await mkdir(prepared);
    const staged = await stageRestore(partsOf(prepared), Readable.from([archive]), undefined);
    await staged.commit();
    // Not closed: as a killed process leaves it.
    const wanted = (await contentsOf(full)) as object;
    const fs = await import("node:fs");
    const { default: promises } = await import("node:fs/promises");
    const { syncBuiltinESMExports } = await import("node:module");
    const originals = { rename: promises.rename, rm: promises.rm };
    for (let cut = 1, done = false; !done; cut += 1) {
      const folder = join(scratch, `cut-${cut}`);
      fs.cpSync(prepared, folder, { recursive: true });
      let steps = 0;
      for (const name of ["rename", "rm"] as const) {
        promises[name] = (async (...args: never[]) => {
          steps += 1;
          if (steps === cut) throw new Error("cut short here");
          return (originals[name] as (...args: never[]) => Promise<void>)(...args);
        }) as never;
      }
      syncBuiltinESMExports();
      try {
        done = await finishRestore(partsOf(folder)).catch(() => false);
      } finally {
        Object.assign(promises, originals);
        syncBuiltinESMExports();
      }
      await finishRestore(partsOf(folder));
      assert.ok(!existsSync(join(folder, RESTORE_FOLDER)), `cut ${cut}`);
      assert.deepEqual(await contentsOf(folder), wanted, `cut ${cut}`);
      assert.deepEqual(
        Object.keys(await filesOf(folder)).sort(),
        Object.keys(await filesOf(full)).sort(),
        `cut ${cut}`,
      );
      if (done) assert.ok(cut > 8, "It has many steps");
      await rm(folder, { recursive: true });
    }
    await staged.store.close();
  });

  test("a second restore beside one waits for its end", async () => {
    const target = await openIn("twice");
    await mkdir(join(target.dataDir, RESTORE_FOLDER));
    const answer = await restore(target, archive);
    assert.equal(answer.json()["Code"], "ConcurrentUpdateError", answer.text);
    await rm(join(target.dataDir, RESTORE_FOLDER), { recursive: true });
    assert.equal(READY_NAME, "ready");
    await target.control.close();
  });

  test("a reader that goes away leaves no copy behind, and the next backup works", async () => {
    const source = await openIn("full");
    const stopping = new AbortController();
    const answer = await open(source.control.apiPort, { path: "/sluice/v1/backup" }, stopping.signal);
    answer.on("error", () => undefined);
    stopping.abort();
    // Another goes before there is an answer.
    const early = new AbortController();
    const asked = open(source.control.apiPort, { path: "/sluice/v1/backup" }, early.signal);
    setImmediate(() => early.abort());
    await asked.then(
      (begun) => begun.on("error", () => undefined),
      () => undefined,
    );
    await backUp(source);
    for (let turn = 0; turn < 50_000 && (await readdir(full)).some((name) => name.startsWith("backup-")); turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(
      (await readdir(full)).filter((name) => name.startsWith("backup-")),
      [],
    );
    await source.control.close();
  });
});
