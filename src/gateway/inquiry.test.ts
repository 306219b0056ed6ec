/** Questions to an instance beside its calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeaderList } from "../h2/h2.ts";
import { data, goAway, headers, type ReadFrame, reset, settings } from "../h2/testing/script.ts";
import type { InstanceAnswer, InstanceQuestion } from "../scheduler/scheduler.ts";
import { LinkBench } from "./testing/link-bench.ts";
import type { RawPeer } from "./testing/raw-peer.ts";

const HEALTH: InstanceQuestion = { kind: "http", method: "GET", path: "/healthz?a=b", timeoutMs: 1000 };
const INITIALIZE: InstanceQuestion = {
  kind: "http",
  method: "POST",
  path: "/initialize",
  controlPath: "/initialize",
  timeoutMs: 3000,
};
const GRPC_HEALTH: InstanceQuestion = { kind: "grpcHealth", timeoutMs: 1000 };

const GRPC: HeaderList = [":status", "200", "content-type", "application/grpc"];
const serving = (status: number) => Buffer.from([0, 0, 0, 0, 2, 8, status]);

/** Answers each request with what `answer` makes of its stream's id. */
function answering(answer: (id: number) => Buffer[]) {
  return (peer: RawPeer, { type, streamId }: ReadFrame) => {
    if (type === "HEADERS") peer.send(...answer(streamId));
  };
}

/** What is asked, and what becomes of it. */
function asked(bench: LinkBench, question: InstanceQuestion) {
  let got: InstanceAnswer | undefined;
  void bench.link.ask(question).then((answer) => {
    got = answer;
  });
  return { answer: () => got };
}

test("ask: a hook is a whole request in one HEADERS frame, with the headers of every request and its control path", async () => {
  const bench = await LinkBench.start(answering((id) => [headers(id, [":status", "204"], true)]));
  const seen = asked(bench, INITIALIZE);
  await bench.settled();
  assert.deepEqual(seen.answer(), { kind: "answered", ok: true, httpStatus: 204, detail: "HTTP 204" });
  const head = bench.peer.frames.find(({ type }) => type === "HEADERS");
  assert.equal(head?.flags, 5, "END_STREAM and END_HEADERS");
  const list = head?.headers ?? [];
  assert.match(list.at(-1) ?? "", /^[0-9a-f-]{20,}$/);
  assert.deepEqual(list.slice(0, -1), [
    ...[":method", "POST", ":scheme", "http", ":path", "/initialize", ":authority", "127.0.0.1:9000", "te", "trailers"],
    ...["x-fc-account-id", "1", "x-fc-function-handler", "h", "x-fc-function-memory", "512"],
    ...["x-fc-function-name", "f", "x-fc-qualifier", "LATEST", "x-fc-region", "local", "x-fc-service-name", "s"],
    ...["x-fc-control-path", "/initialize", "x-fc-request-id"],
  ]);
});

const HTTP_ANSWERS: readonly (readonly [string, (id: number) => Buffer[], InstanceAnswer])[] = [
  [
    "200 with text",
    (id) => [headers(id, [":status", "200"], false), data(id, " all\r\n\u0007well ", true)],
    { kind: "answered", ok: true, httpStatus: 200, detail: "HTTP 200: all well" },
  ],
  [
    "302",
    (id) => [headers(id, [":status", "302"], true)],
    { kind: "answered", ok: false, httpStatus: 302, detail: "HTTP 302" },
  ],
  [
    "500 with long text, and trailers",
    (id) => [headers(id, [":status", "500"], false), data(id, 300), headers(id, ["x-a", "b"], true)],
    { kind: "answered", ok: false, httpStatus: 500, detail: `HTTP 500: ${"d".repeat(187)}...` },
  ],
  [
    "415 (grpc-go, grpc-js)",
    (id) => [headers(id, [":status", "415"], true)],
    { kind: "notServed", detail: "HTTP 415" },
  ],
  [
    "trailers only (C core, tonic)",
    (id) => [headers(id, [...GRPC, "grpc-status", "12", "grpc-message", "no%20such"], true)],
    { kind: "notServed", detail: "gRPC status 12 UNIMPLEMENTED: no such" },
  ],
  [
    "text with a grpc-status (grpc-java)",
    (id) => [headers(id, [":status", "405", "content-type", "text/plain", "grpc-status", "13"], true)],
    { kind: "notServed", detail: "gRPC status 13 INTERNAL" },
  ],
  [
    "a gRPC answer with trailers",
    (id) => [headers(id, GRPC, false), headers(id, ["grpc-status", "0"], true)],
    { kind: "notServed", detail: "gRPC status 0 OK" },
  ],
  ["RST_STREAM", (id) => [reset(id, 7)], { kind: "failed", detail: "the instance reset the stream (code 7)" }],
];

for (const [what, answer, expected] of HTTP_ANSWERS) {
  test(`ask http: ${what}`, async () => {
    const bench = await LinkBench.start(answering(answer));
    const seen = asked(bench, HEALTH);
    await bench.settled();
    assert.deepEqual(seen.answer(), expected);
    assert.deepEqual(bench.told, []);
  });
}

const HEALTH_ANSWERS: readonly (readonly [string, (id: number) => Buffer[], InstanceAnswer])[] = [
  ...(["UNKNOWN", "SERVING", "NOT_SERVING"] as const).map(
    (name, status) =>
      [
        name,
        (id: number) => [headers(id, GRPC, false), data(id, serving(status)), headers(id, ["grpc-status", "0"], true)],
        { kind: "answered", ok: name === "SERVING", httpStatus: 200, detail: name },
      ] as const,
  ),
  [
    "a message of no bytes is UNKNOWN",
    (id) => [headers(id, GRPC, false), data(id, Buffer.alloc(5)), headers(id, ["grpc-status", "0"], true)],
    { kind: "answered", ok: false, httpStatus: 200, detail: "UNKNOWN" },
  ],
  [
    "bytes that are none",
    (id) => [headers(id, GRPC, false), data(id, 9), headers(id, ["grpc-status", "0"], true)],
    { kind: "failed", detail: "the message is no HealthCheckResponse" },
  ],
  [
    "UNIMPLEMENTED",
    (id) => [headers(id, [...GRPC, "grpc-status", "12"], true)],
    { kind: "notServed", detail: "gRPC status 12 UNIMPLEMENTED" },
  ],
  [
    "another status",
    (id) => [headers(id, [...GRPC, "grpc-status", "14", "grpc-message", "not yet"], true)],
    { kind: "answered", ok: false, httpStatus: 200, detail: "gRPC status 14 UNAVAILABLE: not yet" },
  ],
  [
    "no status",
    (id) => [headers(id, GRPC, false), data(id, serving(1), true)],
    { kind: "failed", detail: "a gRPC answer without a status" },
  ],
  [
    "404 of an HTTP server",
    (id) => [headers(id, [":status", "404", "content-type", "text/html"], true)],
    { kind: "notServed", detail: "HTTP 404, no gRPC" },
  ],
  [
    "503 of an HTTP server",
    (id) => [headers(id, [":status", "503"], true)],
    { kind: "answered", ok: false, httpStatus: 503, detail: "HTTP 503, no gRPC" },
  ],
];

for (const [what, answer, expected] of HEALTH_ANSWERS) {
  test(`ask grpcHealth: ${what}`, async () => {
    const bench = await LinkBench.start(answering(answer));
    const seen = asked(bench, GRPC_HEALTH);
    await bench.settled();
    assert.deepEqual(seen.answer(), expected);
    const [head, message] = bench.peer.frames.filter(({ streamId }) => streamId === 1);
    assert.ok(head?.headers?.join(" ").includes(":path /grpc.health.v1.Health/Check"));
    assert.ok(head?.headers?.join(" ").includes("te trailers grpc-timeout 1000000u content-type application/grpc"));
    assert.deepEqual([message?.type, message?.flags, message?.payload.toString("hex")], ["DATA", 1, "0000000000"]);
  });
}

test("ask: without an answer in time the stream is cancelled; what comes then does no harm", async () => {
  const bench = await LinkBench.start();
  const seen = asked(bench, HEALTH);
  await bench.settled();
  bench.peer.send(headers(1, [":status", "200"], false));
  await bench.settled();
  bench.clock.advance(990);
  await bench.settled();
  assert.equal(seen.answer(), undefined);
  bench.clock.advance(20);
  await bench.settled();
  assert.deepEqual(seen.answer(), { kind: "failed", detail: "no answer within 1000 ms" });
  assert.deepEqual(bench.peer.wordsOf(1).at(-1), "RST_STREAM 1 code 8");
  bench.peer.send(data(1, 100, true));
  await bench.settled();
  assert.deepEqual(bench.told, []);
});

test("ask: an endless body is read to 64 KiB, with credit for each byte, and refused then", async () => {
  const bench = await LinkBench.start(answering((id) => [headers(id, [":status", "200"], false)]));
  const seen = asked(bench, HEALTH);
  await bench.settled();
  for (let i = 0; i < 8; i++) bench.peer.send(data(1, 8 * 1024));
  await bench.settled();
  assert.equal(seen.answer(), undefined);
  bench.peer.send(data(1, 1));
  await bench.settled();
  assert.equal(seen.answer()?.kind, "answered");
  assert.equal(seen.answer()?.detail.length, 200);
  assert.deepEqual(bench.peer.wordsOf(1).at(-1), "RST_STREAM 1 code 8");
});

test("ask: a GOAWAY below its stream: put again on the next connection, once", async () => {
  for (const times of [1, 2]) {
    let goAways = 0;
    const bench = await LinkBench.start(
      answering((id) => (goAways++ < times ? [goAway(0, 0)] : [headers(id, [":status", "200"], true)])),
    );
    const seen = asked(bench, INITIALIZE);
    await bench.settled();
    // The second connection did not last, so that the third waits a moment.
    bench.clock.advance(10);
    await bench.settled();
    assert.equal(seen.answer()?.kind, times === 1 ? "answered" : "failed");
    assert.equal(bench.connects, times + 1);
    assert.deepEqual(bench.told.slice(0, 2), ["unavailable", "ready 100"]);
  }
});

test("ask: a GOAWAY above its stream: the answer still comes on the old connection", async () => {
  const bench = await LinkBench.start(
    answering((id) => [goAway(2 ** 31 - 1, 0), headers(id, [":status", "200"], true)]),
  );
  const seen = asked(bench, INITIALIZE);
  await bench.settled();
  assert.equal(seen.answer()?.kind, "answered");
  assert.equal(bench.peers[0]?.isClosed, true, "it was closed when the last stream had ended");
});

test("ask: a connection that is lost, and an instance that exits or is stopped, answer no more", async () => {
  const bench = await LinkBench.start();
  const lost = asked(bench, HEALTH);
  await bench.settled();
  bench.peer.destroy();
  await bench.settled();
  assert.equal(lost.answer()?.kind, "failed");
  const exited = asked(bench, HEALTH);
  bench.exit();
  await bench.settled();
  assert.deepEqual(exited.answer(), { kind: "failed", detail: "the instance has exited" });
  assert.deepEqual(await bench.link.ask(HEALTH), { kind: "failed", detail: "the instance is gone" });
  const other = await LinkBench.start();
  const stopped = asked(other, HEALTH);
  other.link.close();
  await other.settled();
  assert.deepEqual(stopped.answer(), { kind: "failed", detail: "the instance is being stopped" });
  await other.pass(2);
  assert.equal(other.wheel.armedCount, 0);
});

test("ask: while there is no connection it waits for the next one, or for its time", async () => {
  const bench = await LinkBench.start(answering((id) => [headers(id, [":status", "200"], true)]));
  bench.greeting = undefined;
  bench.acknowledges = false;
  bench.peer.send(goAway(0, 0));
  await bench.settled();
  const first = asked(bench, HEALTH);
  await bench.settled();
  assert.equal(first.answer(), undefined);
  bench.peer.send(settings());
  await bench.settled();
  assert.equal(first.answer()?.kind, "answered");
  bench.peer.send(goAway(0, 0));
  await bench.settled();
  const second = asked(bench, HEALTH);
  bench.clock.advance(1100);
  await bench.settled();
  assert.deepEqual(second.answer(), { kind: "failed", detail: "no connection took a request within 1000 ms" });
});

test("ask: with all streams of the peer's taken it waits, and the next stream that ends is its own", async () => {
  const bench = await LinkBench.start(() => {}, { streamsMax: 2 });
  bench.call();
  bench.call();
  const seen = asked(bench, HEALTH);
  await bench.settled();
  assert.deepEqual(bench.told, ["ready 1"], "calls shall leave a stream free");
  assert.deepEqual(bench.peer.wordsOf(5), []);
  bench.peer.send(headers(1, GRPC, true));
  await bench.settled();
  bench.peer.send(headers(5, [":status", "200"], true));
  await bench.settled();
  assert.equal(seen.answer()?.kind, "answered");
  assert.deepEqual(bench.told, ["ready 1", "ready 2"]);
});

test("ask: a call that needs the peer's last stream takes it from a health check, which is put again", async () => {
  const bench = await LinkBench.start(() => {}, { streamsMax: 1 });
  const seen = asked(bench, HEALTH);
  await bench.settled();
  const call = bench.call();
  await bench.settled();
  assert.deepEqual(bench.peer.wordsOf(1).at(-1), "RST_STREAM 1 code 8");
  assert.equal(bench.peer.wordsOf(3).length, 1);
  assert.deepEqual(bench.told, ["ready 0"]);
  bench.peer.send(headers(3, GRPC, true));
  await bench.settled();
  assert.deepEqual(call.log, ["headers", "closed"]);
  bench.peer.send(headers(5, [":status", "200"], true));
  await bench.settled();
  assert.equal(seen.answer()?.kind, "answered");
  assert.deepEqual(bench.told, ["ready 0", "ready 1"]);
});

test("ask: a hook is billed as a call is, from its head to its end; a health check is not", async () => {
  const bench = await LinkBench.start();
  void bench.link.ask(HEALTH);
  void bench.link.ask(GRPC_HEALTH);
  await bench.settled();
  bench.clock.advance(500);
  bench.peer.send(headers(1, [":status", "200"], true), headers(3, [...GRPC, "grpc-status", "12"], true));
  await bench.settled();
  bench.link.meter.checkpoint();
  assert.deepEqual(bench.usage, []);
  void bench.link.ask(INITIALIZE);
  await bench.settled();
  bench.clock.advance(700);
  bench.peer.send(headers(5, [":status", "200"], true));
  await bench.settled();
  bench.clock.advance(700);
  bench.link.meter.checkpoint();
  assert.deepEqual(
    bench.usage.map(({ startMs, endMs, calls }) => [endMs - startMs, calls]),
    [[700, 1]],
  );
});
