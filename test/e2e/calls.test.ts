/** Real clients and servers, certificate verification on, all kinds of calls: through the whole of Sluice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  folderOf,
  goMissing,
  type JobReport,
  missingPart,
  runJob,
  runMatrix,
  testPrograms,
} from "../support/clients.ts";
import { eventually, type Info, Sluice } from "../support/sluice.ts";

describe("calls through Sluice", { skip: goMissing }, () => {
  let sluice: Sluice;
  let echo: Info;

  before(async () => {
    const { go } = await testPrograms();
    sluice = await Sluice.start();
    echo = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: { instanceConcurrency: 100, timeout: 60, customRuntimeConfig: { command: ["./echo"] } },
    });
  });
  after(() => sluice.stop());

  test("grpc-go passes its matrix: all kinds, 4 MB messages, binary metadata, statuses, trailers-only, deadline, cancel", async () => {
    const { go } = await testPrograms();
    assertMatrix(await runMatrix([go.client], [...sluice.clientFlags(echo), "matrix"]));
  });

  test("@grpc/grpc-js passes its matrix", async () => {
    const { nodeClient } = await testPrograms();
    assertMatrix(await runMatrix(nodeClient.command, dashed(sluice.clientFlags(echo))));
  });

  test("Python grpcio passes its matrix", async (context) => {
    const { pythonClient, pythonMissing } = await testPrograms();
    const missing = missingPart(pythonMissing);
    if (missing || pythonClient === undefined) {
      context.skip(missing || "no Python client");
      return;
    }
    assertMatrix(await runMatrix(pythonClient.command, dashed(sluice.clientFlags(echo))));
  });

  test("300 streams are open on one client connection, spread over instances within their concurrency", async () => {
    const report = await runJob(sluice, echo, {
      kind: "bidi",
      calls: 300,
      workers: 300,
      connections: 1,
      allOpen: true,
      deadlineMs: 60_000,
    });
    assertAllOk(report, 300);
    assert.equal(report.peakCalls, 100, `an instance saw ${report.peakCalls} calls at once`);
  });

  test("a cancelled call reaches the function, and what the function writes of it reaches the log", async () => {
    const id = `cancel-${process.pid}`;
    await runJob(sluice, echo, {
      kind: "bidi",
      metadata: { "x-call-id": id },
      cancelAfterMessages: 1,
      holdMs: 5000,
    });
    // The handler may notice the cancel by its end (status 1, CANCELLED) before its watcher does.
    const isCancel = (text: string) => text.startsWith(`cancelled ${id} `) || text.startsWith(`end ${id} 1 `);
    const line = await eventually("the function says that the call was cancelled", async () =>
      (await sluice.logs("test/echo")).find((entry) => isCancel(entry.text)),
    );
    assert.ok(line);
  });

  test("what remains of the client's deadline is passed on", async () => {
    const given = await runJob(sluice, echo, { kind: "unary", deadlineMs: 50_000 });
    assertAllOk(given, 1);
    const seenMs = given.details[0]?.seen?.deadlineMs ?? Number.NaN;
    assert.ok(seenMs > 10_000 && seenMs <= 50_000, `the function saw ${seenMs} ms`);
    const none = await runJob(sluice, echo, { kind: "unary" });
    assert.equal(none.details[0]?.seen?.deadlineMs, -1, "no deadline is added where the client gave none");
  });

  test("a deadline that passes is DEADLINE_EXCEEDED, never something else, though the function notices it too", async () => {
    const report = await runJob(sluice, echo, {
      kind: "unary",
      calls: 40,
      workers: 20,
      deadlineMs: 150,
      metadata: { "x-sleep-ms": "5000" },
    });
    assert.deepEqual(Object.keys(report.codes), ["DEADLINE_EXCEEDED"]);
  });

  test("the platform's own bill counts the calls, their time and GB-seconds", async () => {
    const bill = await eventually("the bill has the calls", async () => {
      const { usage: lines } = JSON.parse(await sluice.ok(["bill", "--json"])) as { usage: Record<string, unknown>[] };
      const line = lines.find((each) => each["function"] === "test/echo");
      return line && Number(line["calls"]) >= 300 ? line : undefined;
    });
    assert.ok(Number(bill["gbSeconds"]) > 0);
  });
});

/** grpcio and grpc-js clients take long flags with two dashes. */
function dashed(flags: readonly string[]): string[] {
  return flags.map((flag) => (flag.startsWith("-") ? `-${flag}` : flag));
}

function assertMatrix(report: Awaited<ReturnType<typeof runMatrix>>): void {
  const failed = report.cases.filter((each) => !each.ok);
  assert.deepEqual(failed, [], `${report.client}: ${failed.map((each) => `${each.name}: ${each.detail}`).join("; ")}`);
  assert.equal(report.ok, true);
  assert.ok(report.cases.length >= 10);
}

function assertAllOk(report: JobReport, calls: number): void {
  assert.deepEqual(report.codes, { OK: calls }, JSON.stringify(report.errors));
  assert.equal(report.mismatches, 0);
}
