/** Real clients and servers, certificate verification on, all kinds of calls: through the whole of Sluice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  assertMatrix,
  dashed,
  folderOf,
  goMissing,
  type JobReport,
  missingPart,
  runJob,
  runMatrix,
  testPrograms,
} from "../support/clients.ts";
import { eventually, type Info, Sluice } from "../support/sluice.ts";

/** Names as google.rpc.Code has them; a number where it has none. */
const STATUSES = new Map<number, string>([
  [0, "OK"],
  [1, "CANCELLED"],
  [2, "UNKNOWN"],
  [3, "INVALID_ARGUMENT"],
  [4, "DEADLINE_EXCEEDED"],
  [5, "NOT_FOUND"],
  [6, "ALREADY_EXISTS"],
  [7, "PERMISSION_DENIED"],
  [8, "RESOURCE_EXHAUSTED"],
  [9, "FAILED_PRECONDITION"],
  [10, "ABORTED"],
  [11, "OUT_OF_RANGE"],
  [12, "UNIMPLEMENTED"],
  [13, "INTERNAL"],
  [14, "UNAVAILABLE"],
  [15, "DATA_LOSS"],
  [16, "UNAUTHENTICATED"],
  [17, "17"],
  [4242, "4242"],
]);

describe("calls through Sluice", { skip: goMissing }, () => {
  let sluice: Sluice;
  let echo: Info;

  before(async () => {
    const { go } = await testPrograms();
    sluice = await Sluice.start();
    echo = await sluice.deploy({
      name: "echo",
      codeUri: folderOf(go.echo),
      function: {
        instanceConcurrency: 100,
        timeout: 60,
        memorySize: 256,
        customRuntimeConfig: { command: ["./echo"] },
      },
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

  test("1,000 streams are open on one client connection, spread over instances within their concurrency", async () => {
    const report = await runJob(sluice, echo, {
      kind: "bidi",
      calls: 1000,
      workers: 1000,
      connections: 1,
      allOpen: true,
      deadlineMs: 120_000,
    });
    assertAllOk(report, 1000);
    assert.equal(report.peakCalls, 100, `an instance saw ${report.peakCalls} calls at once`);
    const { instances } = await sluice.info("test", "echo");
    assert.ok(instances.length >= 10, `${instances.length} instances`);
  });

  test("16 MB messages pass in every kind of call", async () => {
    for (const kind of ["unary", "serverStream", "clientStream", "bidi"] as const) {
      const report = await runJob(sluice, echo, { kind, payloadBytes: 16 << 20, messages: 2, deadlineMs: 60_000 });
      assertAllOk(report, 1);
      assert.equal(report.messages, kind === "bidi" ? 2 : 1);
    }
  });

  test("10,000 messages pass on one stream: in turn, and one way as fast as they go", async () => {
    const inTurn = await runJob(sluice, echo, { kind: "bidi", messages: 10_000, payloadBytes: 20 });
    assertAllOk(inTurn, 1);
    assert.equal(inTurn.messages, 10_000);
    const up = await runJob(sluice, echo, { kind: "clientStream", messages: 10_000, payloadBytes: 20 });
    assertAllOk(up, 1);
    assert.equal(up.details[0]?.seen?.messages, 10_000);
    const down = await runJob(sluice, echo, { kind: "serverStream", metadata: { "x-repeat": "10000" } });
    assertAllOk(down, 1);
    assert.equal(down.messages, 10_000);
  });

  test("streams without any message pass, both ways", async () => {
    assertAllOk(await runJob(sluice, echo, { kind: "bidi", messages: 0 }), 1);
    const down = await runJob(sluice, echo, { kind: "serverStream", metadata: { "x-repeat": "0" } });
    assertAllOk(down, 1);
    assert.equal(down.messages, 0);
    assertAllOk(await runJob(sluice, echo, { kind: "clientStream", messages: 0 }), 1);
  });

  test("every status of gRPC reaches grpc-go as the function gave it, and those that gRPC does not know too", async () => {
    for (const [status, name] of STATUSES) {
      const metadata = { "x-status": String(status), "x-message": `it is ${status}%` };
      for (const kind of ["unary", "serverStream"] as const) {
        const report = await runJob(sluice, echo, { kind, metadata });
        assert.deepEqual(report.codes, { [name]: 1 }, `${kind} ${status}`);
        assert.deepEqual(Object.keys(report.errors), status === 0 ? [] : [`it is ${status}%`]);
      }
    }
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
function assertAllOk(report: JobReport, calls: number): void {
  assert.deepEqual(report.codes, { OK: calls }, JSON.stringify(report.errors));
  assert.equal(report.mismatches, 0);
}
