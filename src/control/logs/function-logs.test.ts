import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { silentLogger } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { callLine, functionKey, type LogRecord } from "../../model/model.ts";
import { FunctionLogs, type LogReader } from "./function-logs.ts";
import { LiveLines } from "./live-lines.ts";
import { LOG_LIMITS, LogFile, type LogLimits } from "./log-file.ts";

const key = functionKey("s", "f");

function line(text: string, at = 1, change: Partial<LogRecord> = {}): LogRecord {
  return { function: key, at, source: "stdout", text, ...change };
}

async function withLogs(
  work: (logs: FunctionLogs, dir: string) => Promise<void>,
  limits: LogLimits = LOG_LIMITS,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-logs-"));
  const logs = new FunctionLogs(dir, new FakeClock(), silentLogger, limits);
  try {
    await work(logs, dir);
  } finally {
    await logs.close();
    await rm(dir, { recursive: true });
  }
}

async function textsOf(reader: LogReader, countMax = Number.POSITIVE_INFINITY): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < countMax) {
    const record = await reader.next();
    if (record === undefined) break;
    texts.push(record.text);
  }
  return texts;
}

describe("FunctionLogs", () => {
  test("lines and calls are JSON Lines in the function's file", () =>
    withLogs(async (logs, dir) => {
      logs.add([line("hello", 5, { requestId: "r" })], []);
      await logs.close();
      const text = await readFile(join(dir, "s", "f.log"), "utf8");
      assert.equal(text, '{"function":"s/f","at":5,"source":"stdout","text":"hello","requestId":"r"}\n');
      assert.equal((await stat(join(dir, "s", "f.log"))).mode & 0o777, 0o600);
    }));

  test("words and calls are read in the order of time; many calls do not push words out", () =>
    withLogs(
      async (logs) => {
        const call = { function: key, requestId: "r", method: "/m", at: 2, durationMs: 1, grpcStatus: 0 };
        const bytes = (count: number) => Buffer.from(lines.repeat(count));
        const lines = callLine({ ...call, instanceId: undefined, cause: undefined });
        logs.add([line("first", 1), line("last", 3)], [{ function: key, lines: bytes(1), count: 1 }]);
        const read = async () => textsOf(await logs.read({ function: key, follow: false }));
        assert.deepEqual(await read(), ["first", "/m ended with 0 OK after 1 ms", "last"]);
        for (let round = 0; round < 20; round += 1) {
          logs.add([], [{ function: key, lines: bytes(3), count: 3 }]);
          await read();
        }
        const texts = await read();
        assert.ok(texts.length < 30);
        assert.deepEqual([texts[0], texts.at(-1)], ["first", "last"]);
      },
      { ...LOG_LIMITS, fileSizeMaxBytes: 1000, fileCount: 2 },
    ));

  test("read: past lines in order, over rotated files and a restart, by request and by time", () =>
    withLogs(
      async (logs, dir) => {
        const texts = Array.from({ length: 40 }, (_, index) => `line ${index}`);
        for (const [index, text] of texts.entries()) {
          logs.add([line(text, index, index % 2 === 0 ? { requestId: "even" } : {})], []);
          if (index % 4 === 0) await textsOf(await logs.read({ function: key, follow: false }));
        }
        await logs.close();
        assert.ok((await readdir(join(dir, "s"))).length > 2);
        const again = new FunctionLogs(dir, new FakeClock(), silentLogger);
        const read = async (query: object) => textsOf(await again.read({ function: key, follow: false, ...query }));
        assert.deepEqual(await read({}), texts);
        assert.deepEqual(await read({ sinceAt: 38 }), texts.slice(38));
        assert.deepEqual(
          await read({ requestId: "even" }),
          texts.filter((_, index) => index % 2 === 0),
        );
        assert.deepEqual(await read({ function: functionKey("s", "other") }), []);
      },
      { ...LOG_LIMITS, fileSizeMaxBytes: 1000, fileCount: 5 },
    ));

  test("files are at most fileCount, each at most about fileSizeMaxBytes; the oldest lines go", () =>
    withLogs(
      async (logs, dir) => {
        for (let index = 0; index < 300; index += 1) {
          logs.add([line(`line ${index}`)], []);
          if (index % 3 === 0) await textsOf(await logs.read({ function: key, follow: false, sinceAt: 2 }));
        }
        await logs.close();
        const names = (await readdir(join(dir, "s"))).sort();
        assert.deepEqual(names, ["f.log", "f.log.1", "f.log.2"]);
        for (const name of names) assert.ok((await stat(join(dir, "s", name))).size <= 1000);
        const texts = await textsOf(await logs.read({ function: key, follow: false }));
        assert.equal(texts.at(-1), "line 299");
        assert.deepEqual(
          texts,
          texts.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))),
        );
      },
      { ...LOG_LIMITS, fileSizeMaxBytes: 1000, fileCount: 3 },
    ));

  test("follow: every line once, past and new, however reading and writing interleave", () =>
    withLogs(
      async (logs) => {
        const total = 400;
        let written = 0;
        const write = () => logs.add([line(`${written++}`)], []);
        for (let index = 0; index < 100; index += 1) write();
        const readers: LogReader[] = [];
        while (written < total) {
          write();
          if (written % 60 === 0) readers.push(await logs.read({ function: key, follow: true }));
          if (written % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        const expected = Array.from({ length: total }, (_, index) => `${index}`);
        for (const reader of readers) {
          assert.deepEqual(await textsOf(reader, total), expected);
          reader.close();
          assert.equal(await reader.next(), undefined);
        }
      },
      { ...LOG_LIMITS, fileSizeMaxBytes: 5000, fileCount: 20 },
    ));

  test("follow of all functions: merged by time, and functions that begin later too", () =>
    withLogs(async (logs) => {
      const other = functionKey("s", "g");
      logs.add([line("1", 1), line("3", 3), line("2", 2, { function: other })], []);
      const reader = await logs.read({ follow: true });
      assert.deepEqual(await textsOf(reader, 3), ["1", "2", "3"]);
      logs.add([line("new", 4, { function: functionKey("t", "h") })], []);
      assert.deepEqual(await textsOf(reader, 1), ["new"]);
      logs.add([line("second", 5, { function: functionKey("t", "h") })], []);
      assert.deepEqual(await textsOf(reader, 1), ["second"]);
      reader.close();
    }));

  test("follow: a reader that waits ends when it is closed, and when the logs are", () =>
    withLogs(async (logs) => {
      for (const end of [(reader: LogReader) => reader.close(), () => void logs.close()]) {
        const reader = await logs.read({ follow: true });
        const waiting = reader.next();
        end(reader);
        assert.equal(await waiting, undefined);
      }
    }));

  test("a line that a crash cut is skipped, and the next one stands on a line of its own", () =>
    withLogs(async (logs, dir) => {
      await mkdir(join(dir, "s"));
      await writeFile(join(dir, "s", "f.log"), '{"function":"s/f","at":1,"source":"stdout","text":"whole"}\n{"functi');
      logs.add([line("after")], []);
      await logs.close();
      assert.deepEqual(await textsOf(await logs.read({ function: key, follow: false })), ["whole", "after"]);
    }));

  test("what cannot be written is dropped and counted, and writing goes on when it can", () =>
    withLogs(async (logs, dir) => {
      await writeFile(join(dir, "s"), "in the way");
      logs.add([line("lost 1"), line("lost 2")], []);
      await logs.close();
      assert.equal(logs.droppedCount, 2);
      await rm(join(dir, "s"));
      logs.add([line("kept")], []);
      assert.deepEqual(await textsOf(await logs.read({ function: key, follow: false })), ["kept"]);
    }));
});

test("LogFile.append: what waits for the disk is bounded; listeners get even what is dropped", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sluice-logs-"));
  let dropped = 0;
  const limits = { ...LOG_LIMITS, pendingMaxBytes: 100 };
  const file = new LogFile(join(dir, "f.log"), limits, (count) => {
    dropped += count;
  });
  const heard: string[] = [];
  await file.attach((text) => heard.push(text));
  for (let index = 0; index < 20; index += 1) file.append(`${"x".repeat(9)}\n${"y".repeat(8)}\n`, 2);
  await file.flush();
  await file.flush();
  assert.equal(dropped, 30);
  assert.deepEqual(heard.slice(0, 3), ["x".repeat(9), "y".repeat(8), "x".repeat(9)]);
  assert.equal(heard.length, 40);
  assert.equal((await readFile(join(dir, "f.log"), "utf8")).split("\n").length, 11);
  await rm(dir, { recursive: true });
});

test("LiveLines.add: a reader that is too slow misses the oldest lines, and no memory is lost to it", async () => {
  const live = new LiveLines();
  for (let index = 0; index < 10_005; index += 1) live.add(`${index}`);
  assert.equal(await live.next(), "5");
});
