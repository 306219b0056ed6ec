/** Functions that do not start, or slowly: the status, its reason and its time, with a real server. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { callOnce, folderOf, goMissing, runJob, testPrograms } from "../support/clients.ts";
import { type Info, Sluice, type TestFunction } from "../support/sluice.ts";

/** Above the 5 s of the slow start, below what would make the tests long. */
const START_LIMIT_MS = 8000;
const SLOW_START_MS = 5000;
const CRASH_LOOP_MS = 5000;

/** What the kernel or the program itself says at once: the mode or file, its token, and words of the message. */
const AT_ONCE: readonly (readonly [name: string, errorType: string, words: RegExp])[] = [
  ["exits", "CAExited", /exited with code 3/],
  ["killed-at-start", "CAExited", /ended by SIGKILL/],
  ["text", "CAExited", /first line begins with #!/],
  ["no-exec-bit", "CAFilePermission", /not executable/],
  ["absent", "CAFileNotFound", /no file \.\/absent/],
  ["http1", "NotHttp2", /HTTP\/2/],
  ["garbage", "NotHttp2", /HTTP\/2/],
  ["closes", "NotHttp2", /HTTP\/2/],
];

/** What shows only with time, at the latest at the start limit. */
const IN_TIME: readonly (readonly [name: string, errorType: string, words: RegExp])[] = [
  ["never-listens", "FunctionNotStarted", /did not listen|nothing listens/],
  ["silent", "NotHttp2", /HTTP\/2/],
  ["wrong-port", "FunctionNotStarted", /listens on 50051, but caPort/],
  ["loopback-only", "FunctionNotStarted", /127\.0\.0\.1/],
  ["too-slow", "FunctionNotStarted", /did not listen|nothing listens/],
];

describe("functions that do not start", { skip: goMissing, concurrency: true }, () => {
  let sluice: Sluice;
  let infos: ReadonlyMap<string, Info>;
  let files: string;

  before(async () => {
    const { go } = await testPrograms();
    files = await mkdtemp(join(tmpdir(), "sluice-faults-"));
    const evil = (name: string): TestFunction => ({
      name,
      codeUri: folderOf(go.evil),
      function: { customRuntimeConfig: { command: ["./evil"] }, environmentVariables: { EVIL: name } },
    });
    const echo = (name: string, delayMs: number): TestFunction => ({
      name,
      codeUri: folderOf(go.echo),
      function: {
        instanceConcurrency: 20,
        customRuntimeConfig: { command: ["./echo"] },
        environmentVariables: { START_DELAY_MS: String(delayMs) },
      },
    });
    const file = async (name: string, text: string, mode: number, command?: string): Promise<TestFunction> => {
      const codeUri = join(files, name);
      await mkdir(codeUri);
      await writeFile(join(codeUri, command ?? "bootstrap"), text, { mode });
      return {
        name,
        codeUri,
        ...(command && { function: { customRuntimeConfig: { command: [`./${command}`] } } }),
      };
    };
    const absent = await file("absent", "#!/bin/sh\n", 0o755, "present");
    sluice = await Sluice.start({
      isolation: "auto",
      configuration: { startLimitMs: START_LIMIT_MS, startsAtOnceMax: 30 },
    });
    infos = await sluice.deployAll([
      ...["exits", "killed-at-start", "http1", "garbage", "closes"].map(evil),
      ...["never-listens", "silent", "wrong-port", "loopback-only"].map(evil),
      echo("slow", SLOW_START_MS),
      echo("too-slow", 3_600_000),
      await file("text", "no program, just words\n", 0o755),
      await file("no-exec-bit", "#!/bin/sh\n", 0o644, "tool"),
      { ...absent, function: { customRuntimeConfig: { command: ["./absent"] } } },
      {
        ...(await file("loops", "#!/bin/sh\necho started\necho no luck >&2\nexit 3\n", 0o755)),
        function: { instanceConcurrency: 20 },
      },
    ]);
  });
  after(async () => {
    await sluice.stop();
    await rm(files, { recursive: true });
  });

  function infoOf(name: string): Info {
    const info = infos.get(name);
    assert.ok(info, name);
    return info;
  }

  test("what shows at once is 14 within 1 s, with its own token and reason", async () => {
    for (const [name, errorType, words] of AT_ONCE) {
      const got = await callOnce(sluice, infoOf(name));
      assert.equal(got.code, "UNAVAILABLE", name);
      assert.equal(got.errorType, errorType, name);
      assert.match(got.message, /^function instance did not start: /, name);
      assert.match(got.message, words, name);
      assert.ok(got.latencyMs < 1000, `${name} took ${got.latencyMs} ms`);
    }
  });

  for (const [name, errorType, words] of IN_TIME) {
    test(`${name} is 14 ${errorType} not later than the start limit`, async () => {
      const got = await callOnce(sluice, infoOf(name));
      assert.equal(got.code, "UNAVAILABLE");
      assert.equal(got.errorType, errorType);
      assert.match(got.message, words);
      assert.ok(got.latencyMs < START_LIMIT_MS + 1000, `${got.latencyMs} ms`);
    });
  }

  test("20 calls that wait for a start of 5 s are served by exactly one instance", async () => {
    const report = await runJob(sluice, infoOf("slow"), { calls: 20, workers: 20, deadlineMs: 20_000 });
    assert.deepEqual(report.codes, { OK: 20 });
    assert.equal(Object.keys(report.pids).length, 1);
    assert.ok(report.latencyMs.p50 >= SLOW_START_MS - 1000);
    const begun = (await sluice.logs("test/slow")).filter((line) => line.text.startsWith("echo listening"));
    assert.equal(begun.length, 1);
  });

  test("a crash loop is started at most every 1, 2, 4 s, every call is told why, and stderr is in the log", async () => {
    const report = await runJob(sluice, infoOf("loops"), {
      durationMs: CRASH_LOOP_MS,
      ratePerSecond: 20,
      workers: 4,
      deadlineMs: 10_000,
    });
    assert.deepEqual(Object.keys(report.codes), ["UNAVAILABLE"]);
    assert.ok(report.calls > 50, `${report.calls} calls`);
    for (const call of report.details) {
      assert.match(call.message, /exited with code 3/);
      assert.equal(call.trailers?.["x-fc-error-type"]?.[0], "CAExited");
    }
    const lines = await sluice.logs("test/loops");
    const starts = lines.filter((line) => line.text === "started").length;
    assert.ok(starts >= 2 && starts <= 4, `${starts} starts in ${CRASH_LOOP_MS} ms`);
    assert.ok(lines.some((line) => line.source === "stderr" && line.text === "no luck"));
    assert.ok(lines.some((line) => line.source === "platform" && /did not start/.test(line.text)));
  });
});
