/**
 * Kills a real process between any two steps of every kind of write, and looks what a restart finds: each write whole or
 * absent, whole where it was acknowledged, and no file that belongs to none.
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { FunctionResource } from "../model/model.ts";
import { DOCUMENT_KINDS, type Store, type StoredDocument } from "../store/store.ts";
import { OPERATIONS } from "./operations/operations.ts";
import type { ToProgram } from "./testing/control-to-kill.ts";
import { openControlPlane } from "./testing/open-control.ts";
import { send } from "./testing/signed-request.ts";
import type { Step } from "./testing/steps.ts";
import { everyWrite, IMAGE, type Write } from "./testing/writes.ts";

/** Routes that are no write of resources, with their tests. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  "POST /2021-04-06/services/:serviceName/functions/:functionName/invocations": "dialect-2021-04-06/invoke.test.ts",
  "PUT /sluice/v1/code-packages/:packageId": "sluice-v1/code-packages.test.ts",
  "POST /sluice/v1/restore": "backup/backup.test.ts",
};

/** Another dialect translates to the same resource model: what it writes is what is tested here. */
const SAME_WRITES = /^\/2016-08-15\//;

/** What is in a data folder beside code/: names that a restart may find there. */
const OWN_FILES = ["audit.log", "code", "logs", "registry-credentials.key", "state.db", "state.db-shm", "state.db-wal"];

/** Processes at once. */
const LANES = 2;

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  readonly writeRoutes: readonly string[];
}

/** A write, the folder as it was before, the steps that it took, and the documents before and after. */
interface Recorded {
  readonly write: Write;
  readonly folder: string;
  readonly steps: readonly Step[];
  readonly before: string;
  readonly after: string;
}

let scratch: string;
let recorded: Recorded[];
let writeRoutes: readonly string[];

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), "sluice-kills-"));
  ({ recorded, writeRoutes } = await record());
});
after(() => rm(scratch, { recursive: true, force: true }));

async function start(folder: string): Promise<Program> {
  const program = join(import.meta.dirname, "testing/control-to-kill.ts");
  const env = { ...process.env, NODE_COMPILE_CACHE: join(scratch, "compile-cache") };
  const child = fork(program, [folder], { env, execArgv: [] });
  const [opened] = (await once(child, "message")) as [Omit<Program, "child">];
  return { child, ...opened };
}

async function ask<T>({ child }: Program, message: ToProgram): Promise<T> {
  const answered = once(child, "message");
  child.send(message);
  return ((await answered) as [T])[0];
}

/** Gives the text of the answer. */
async function perform({ port }: { port: number }, { method, path, body }: Write): Promise<string> {
  const answer = await send(port, { method, path, ...(body && { body: JSON.stringify(body) }) });
  assert.ok(answer.status < 300, answer.text);
  return answer.text;
}

/** Does every write once, in one process. */
async function record(): Promise<{ recorded: Recorded[]; writeRoutes: readonly string[] }> {
  const folder = join(scratch, "recorded");
  await cp(await mkdtemp(join(scratch, "empty-")), folder, { recursive: true });
  const program = await start(folder);
  const all: Omit<Recorded, "before" | "after">[] = [];
  let accessKeyId = "";
  for (const [index, each] of (await everyWrite()).entries()) {
    const write = { ...each, path: each.path.replace("{accessKeyId}", accessKeyId) };
    const base = join(scratch, `before-${index}`);
    await cp(folder, base, { recursive: true });
    await ask(program, { type: "count", killAt: 0 });
    accessKeyId = /"accessKeyId":"(\w+)"/.exec(await perform(program, write))?.[1] ?? accessKeyId;
    all.push({ write, folder: base, steps: await ask<Step[]>(program, { type: "steps" }) });
  }
  program.child.disconnect();
  await once(program.child, "exit");
  const documents: string[] = [];
  for (const copied of [...all.map((each) => each.folder), folder]) {
    // A copy, since opening a folder sweeps it.
    const copy = `${copied}-read`;
    await cp(copied, copy, { recursive: true });
    documents.push((await restart(copy, undefined)).documents);
  }
  return {
    recorded: all.map((each, index) => ({
      ...each,
      before: documents[index] as string,
      after: documents[index + 1] as string,
    })),
    writeRoutes: program.writeRoutes,
  };
}

/** What a restart finds. `retry`: a write to do then where `documents` is `where`. */
async function restart(folder: string, retry: { write: Write; where: string } | undefined) {
  const { control, images, store } = await openControlPlane(folder);
  images.ids.set(IMAGE, `sha256:${"1".repeat(64)}`);
  const found = await documentsOf(store);
  const code = (await readdir(join(folder, "code"))).sort();
  const wanted = (await codeWanted(store)).sort();
  const documents = textOf(found);
  if (documents === retry?.where) await perform({ port: control.apiPort }, retry.write);
  const afterRetry = textOf(await documentsOf(store));
  const stray = (await readdir(folder)).filter((name) => !OWN_FILES.includes(name));
  await control.close();
  return { documents, code, wanted, afterRetry, stray };
}

async function documentsOf(store: Store): Promise<StoredDocument[]> {
  const lists = await Promise.all(DOCUMENT_KINDS.map((kind) => store.list("1234567890", kind)));
  return lists.flat();
}

/** Without what differs each time: ids, times, random parts of host names, initialization vectors. */
function textOf(documents: readonly StoredDocument[]): string {
  const lines = documents.map(({ kind, key, value }) =>
    JSON.stringify({ kind, key, value }, (name, each) => {
      if (/^(serviceId|functionId|triggerId|host|sealedCredentials|sealedSecret|accessKeyId)$|At$/.test(name))
        return "*";
      return each;
    }),
  );
  return lines.join("\n").replaceAll(/SLUICE[0-9a-f]{18}/g, "*");
}

async function codeWanted(store: Store): Promise<string[]> {
  const kinds = ["function", "versionFunction"] as const;
  const lists = await Promise.all(kinds.map((kind) => store.list("1234567890", kind)));
  const names = lists.flat().flatMap(({ value }) => (value as FunctionResource).code?.sha256 ?? []);
  return [...new Set(names)].flatMap((sha256) => [sha256, `${sha256}.zip`]);
}

/** A step without what differs each time. */
function nameOf({ what, paths }: Step): string {
  const parts = paths.map((path) =>
    path.replace(/^.*\/(recorded|killed-[^/]+)\//, "").replace(/tmp-[0-9a-f-]{36}/g, "tmp"),
  );
  return [what, ...parts.map((part) => part.replace(/\s+/g, " ").slice(0, 60))].join(" ");
}

/**
 * The steps before which a write is killed: each of the database and the answer; those of files where an earlier write
 * has not taken the same one already.
 */
function pointsOf({ steps }: Recorded, seen: Set<string>): { at: number; name: string }[] {
  return steps.flatMap((step, index) => {
    const name = nameOf(step);
    const isNew = step.what === "sql" || step.what === "answer" || !seen.has(name);
    seen.add(name);
    return isNew ? [{ at: index + 1, name }] : [];
  });
}

async function kill({ folder, write, before: was, after: becomes }: Recorded, at: number, name: string): Promise<void> {
  const work = join(scratch, `killed-${basename(folder)}-${at}`);
  await cp(folder, work, { recursive: true });
  const program = await start(work);
  const exited = once(program.child, "exit");
  await ask(program, { type: "count", killAt: at });
  await assert.rejects(perform(program, write), `${name}: it was acknowledged before its answer`);
  assert.deepEqual((await exited)[1], "SIGKILL");
  const found = await restart(work, { write, where: was });
  assert.ok(found.documents === was || found.documents === becomes, `${name}: the write is there in part`);
  if (name === "answer") assert.equal(found.documents, becomes, "It had been committed before its answer");
  assert.deepEqual(found.code, found.wanted, `${name}: packages on disk are not those of the functions`);
  assert.equal(found.afterRetry, becomes, `${name}: the write cannot be done again`);
  assert.deepEqual(found.stray, [], `${name}: files are left`);
  await rm(work, { recursive: true });
}

test("every route of the API that writes is among the writes that are killed", async () => {
  const asRoute = (path: string) => new RegExp(`^${path.replace(/:[A-Za-z]+/g, "[^/]+")}$`);
  const writes = await everyWrite();
  // Where nothing is written, the table of operations says so; an event is the function's alone.
  const writesNothing = new Set(
    Object.entries(OPERATIONS).flatMap(([version, operations]) =>
      operations
        .filter((operation) => operation.verdict !== "complete" || operation.answer === "bytes")
        .map(({ method, path }) => `${method} /${version}${path.replace(/\{(\w+)\}/g, ":$1")}`),
    ),
  );
  const untested = writeRoutes.filter((route) => {
    const [method, path = ""] = route.split(" ");
    if (SAME_WRITES.test(path) || route in TESTED_ELSEWHERE || writesNothing.has(route)) return false;
    return !writes.some((write) => write.method === method && asRoute(path).test(write.path.replace(/\?.*/, "")));
  });
  assert.deepEqual(untested, [], "Add them to testing/writes.ts");
  assert.ok(writeRoutes.length > 20);
});

test("every kind of document is written and deleted by them", () => {
  const steps = recorded.map((each) => ({ before: each.before, after: each.after }));
  for (const kind of DOCUMENT_KINDS) {
    const count = (text: string) => text.split(`{"kind":"${kind}",`).length;
    assert.ok(
      steps.some((each) => count(each.after) > count(each.before)),
      `No write makes a ${kind}`,
    );
    assert.ok(
      steps.some((each) => count(each.after) < count(each.before)),
      `No write deletes a ${kind}`,
    );
  }
});

test("what a commit or a rename makes known is on disk by then: a power cut leaves no half of it", () => {
  for (const { write, steps } of recorded) {
    const dirty = new Set<string>();
    for (const {
      what,
      paths: [path = "", to = ""],
    } of steps) {
      const inside = (folder: string) => [...dirty].filter((each) => each === folder || each.startsWith(`${folder}/`));
      if (["open", "write", "writeFile", "appendFile", "truncate"].includes(what)) dirty.add(path);
      if (["open", "mkdir", "symlink", "rename", "link"].includes(what))
        dirty.add(dirname(what === "open" || what === "mkdir" ? path : to));
      if (what === "mkdir") dirty.add(path);
      if (what === "sync") dirty.delete(path);
      if (what === "rename") assert.deepEqual(inside(path), [], `${write.what}: renamed before it is on disk`);
      if (what === "rm") for (const each of inside(path)) dirty.delete(each);
      if (what === "sql" && path === "COMMIT")
        assert.deepEqual([...dirty], [], `${write.what}: committed before it is on disk`);
    }
  }
});

test("killed between any two steps, a write is whole or absent after the restart, and can be done again", async (t) => {
  const seen = new Set<string>();
  for (const each of recorded) {
    const points = pointsOf(each, seen);
    assert.ok(points.some(({ name }) => name.startsWith("sql COMMIT")) && points.at(-1)?.name === "answer");
    await t.test(`${each.write.what}: ${points.length} points`, async () => {
      const left = points.values();
      const lanes = Array.from({ length: LANES }, async () => {
        for (const { at, name } of left) await kill(each, at, name);
      });
      await Promise.all(lanes);
    });
  }
});
