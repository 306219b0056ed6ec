/** RST_STREAM in both directions, over real sockets (gRPC over HTTP/2, "HTTP2 Transport Mapping", Errors). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode } from "../h2/h2.ts";
import { data, goAway, headers, RESPONSE, type ReadFrame, reset, TRAILERS } from "../h2/testing/script.ts";
import { fault, GrpcStatus } from "../model/model.ts";
import { GatewayBench, HOST, KEY, MESSAGE, statusOf } from "./testing/gateway-bench.ts";
import { type RawPeer, rawClient, rawInstances } from "./testing/raw-peer.ts";

/** The status of each code. The mapping leaves out HTTP_1_1_REQUIRED and numbers that no RFC names: INTERNAL. */
const STATUS_OF_CODE: readonly (readonly [name: string, code: number, status: number])[] = [
  ["NO_ERROR", ErrorCode.NO_ERROR, GrpcStatus.INTERNAL],
  ["PROTOCOL_ERROR", ErrorCode.PROTOCOL_ERROR, GrpcStatus.INTERNAL],
  ["INTERNAL_ERROR", ErrorCode.INTERNAL_ERROR, GrpcStatus.INTERNAL],
  ["FLOW_CONTROL_ERROR", ErrorCode.FLOW_CONTROL_ERROR, GrpcStatus.INTERNAL],
  ["SETTINGS_TIMEOUT", ErrorCode.SETTINGS_TIMEOUT, GrpcStatus.INTERNAL],
  ["STREAM_CLOSED", ErrorCode.STREAM_CLOSED, GrpcStatus.INTERNAL],
  ["FRAME_SIZE_ERROR", ErrorCode.FRAME_SIZE_ERROR, GrpcStatus.INTERNAL],
  ["REFUSED_STREAM", ErrorCode.REFUSED_STREAM, GrpcStatus.UNAVAILABLE],
  ["CANCEL", ErrorCode.CANCEL, GrpcStatus.CANCELLED],
  ["COMPRESSION_ERROR", ErrorCode.COMPRESSION_ERROR, GrpcStatus.INTERNAL],
  ["CONNECT_ERROR", ErrorCode.CONNECT_ERROR, GrpcStatus.INTERNAL],
  ["ENHANCE_YOUR_CALM", ErrorCode.ENHANCE_YOUR_CALM, GrpcStatus.RESOURCE_EXHAUSTED],
  ["INADEQUATE_SECURITY", ErrorCode.INADEQUATE_SECURITY, GrpcStatus.PERMISSION_DENIED],
  ["HTTP_1_1_REQUIRED", ErrorCode.HTTP_1_1_REQUIRED, GrpcStatus.INTERNAL],
  ["code 14", 14, GrpcStatus.INTERNAL],
  ["code 4294967295", 0xffffffff, GrpcStatus.INTERNAL],
];

/** How far the function was with its answer. */
const PROGRESS: Readonly<Record<string, (streamId: number) => Buffer[]>> = {
  "before its answer": () => [],
  "after its head": (id) => [headers(id, RESPONSE, false)],
  "amid its answer": (id) => [headers(id, RESPONSE, false), data(id, MESSAGE)],
};

const REQUEST_HEAD = [":method", "POST", ":scheme", "https", ":path", "/p.S/M", ":authority", HOST];
const OPENING = [...REQUEST_HEAD, "content-type", "application/grpc", "te", "trailers"];

function fieldOf({ headers: list = [] }: ReadFrame, name: string): string | undefined {
  const at = list.indexOf(name);
  return at < 0 ? undefined : list[at + 1];
}

function answer(peer: RawPeer, streamId: number): void {
  peer.send(headers(streamId, RESPONSE, false), data(streamId, MESSAGE), headers(streamId, TRAILERS, true));
}

for (const [when, frames] of Object.entries(PROGRESS)) {
  test(`a function that resets ${when}: each code becomes its status, and what was sent has arrived`, async () => {
    const { driver, peers } = rawInstances((peer, seen) => {
      const code = fieldOf(seen, "x-reset");
      if (code !== undefined) peer.send(...frames(seen.streamId), reset(seen.streamId, Number(code)));
    });
    await using bench = await GatewayBench.start(driver);
    const client = await bench.client();
    for (const [name, code, status] of STATUS_OF_CODE) {
      const got = await bench.call(client, { "x-reset": String(code) });
      assert.deepEqual([statusOf(got).status, statusOf(got).errorType], [String(status), "FunctionReset"], name);
      assert.ok(statusOf(got).message.includes(`(${name})`), `${name}: ${statusOf(got).message}`);
      assert.equal(got.resetCode, 0, `${name}: trailers, no reset`);
      assert.equal(got.body.length, when === "amid its answer" ? MESSAGE.length : 0, name);
      assert.equal(got.trailers["grpc-status"] === undefined, when === "before its answer", `${name}: where it stands`);
      assert.equal(bench.ended.at(-1)?.grpcStatus, status, name);
    }
    assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
    assert.equal(peers.length, 1);
    assert.ok(!peers[0]!.words.some((words) => words.startsWith("RST_STREAM")), "what is reset is not reset again");
  });
}

test("RST_STREAM NO_ERROR behind trailers ends an answer that is complete: its status stands", async () => {
  const { driver } = rawInstances((peer, { type, streamId }) => {
    if (type !== "HEADERS") return;
    answer(peer, streamId);
    peer.send(reset(streamId, ErrorCode.NO_ERROR));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, OPENING, false));
  await client.until("RST_STREAM", () => client.frames.some(({ type }) => type === "RST_STREAM"));
  const [head, message, trailers, end] = client.wordsOf(1);
  assert.match(head ?? "", /^HEADERS 1 :status 200/);
  assert.equal(message, "DATA 1 5");
  assert.match(trailers ?? "", /grpc-status 0.* end$/);
  assert.equal(end, "RST_STREAM 1 code 0", "the client is told that the rest of its request is not wanted");
  client.destroy();
});

test("CANCEL within 50 ms of the client's deadline counts as the deadline", async () => {
  const { driver } = rawInstances((peer, { type, streamId }) => {
    if (type === "HEADERS") peer.send(reset(streamId, ErrorCode.CANCEL));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  assert.equal(statusOf(await bench.call(client, { "grpc-timeout": "40m" })).status, "4");
  assert.equal(statusOf(await bench.call(client, { "grpc-timeout": "60S" })).status, "1");
});

test("REFUSED_STREAM, and GOAWAY below the stream, prove a call unseen: it is sent again, once; behind a head they prove nothing", async () => {
  let heads = 0;
  const { driver, peers } = rawInstances((peer, seen) => {
    if (seen.type !== "HEADERS") return;
    heads += 1;
    const how = fieldOf(seen, "x-how");
    const refuses = heads === 1 || fieldOf(seen, "x-always") !== undefined;
    if (how === "late") peer.send(headers(seen.streamId, RESPONSE, false), reset(seen.streamId, 7));
    else if (refuses) peer.send(how === "goaway" ? goAway(0, 0) : reset(seen.streamId, 7));
    else answer(peer, seen.streamId);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  const tries = async (fields: Record<string, string>) => {
    heads = 0;
    return [statusOf(await bench.call(client, fields)).status, heads];
  };
  assert.deepEqual(await tries({}), ["0", 2]);
  assert.deepEqual(await tries({ "x-always": "1" }), ["14", 2]);
  assert.deepEqual(await tries({ "x-how": "late" }), ["14", 1]);
  assert.equal(peers.length, 1);
  assert.deepEqual(await tries({ "x-how": "goaway" }), ["0", 2]);
  assert.equal(peers.length, 2);
});

/** How far the call was when the client reset it. */
const CLIENT_PROGRESS: Readonly<Record<string, (client: RawPeer, instance: RawPeer, id: number) => Promise<void>>> = {
  "amid its request": async () => {},
  "after its request": async (client, instance, id) => {
    client.send(data(id, MESSAGE, true));
    await instance.until("the request's end", () => instance.wordsOf(id).at(-1)?.endsWith(" end"));
  },
  "amid the answer": async (client, instance, id) => {
    instance.send(headers(id, RESPONSE, false), data(id, MESSAGE));
    await client.until("the message", () => client.wordsOf(id).includes(`DATA ${id} 5`));
  },
};

for (const [when, proceed] of Object.entries(CLIENT_PROGRESS)) {
  test(`a client that resets ${when}, with whatever code: the function sees CANCEL, and the slot is free`, async () => {
    const { driver, first } = rawInstances(() => {});
    await using bench = await GatewayBench.start(driver);
    const client = await rawClient(bench);
    for (const [index, [name, code]] of STATUS_OF_CODE.entries()) {
      const id = 2 * index + 1;
      client.send(headers(id, OPENING, false), data(id, MESSAGE));
      const instance = await first;
      await instance.until("the request", () => instance.wordsOf(id).includes(`DATA ${id} 5`));
      await proceed(client, instance, id);
      client.send(reset(id, code));
      const end = await instance.until(`RST_STREAM for ${name}`, () =>
        instance.frames.find((seen) => seen.type === "RST_STREAM" && seen.streamId === id),
      );
      assert.equal(end.code, ErrorCode.CANCEL, name);
      assert.equal(bench.ended.at(-1)?.grpcStatus, GrpcStatus.CANCELLED, name);
      assert.equal(bench.ended.at(-1)?.cause?.errorType, "ClientCancelled", name);
      assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0, name);
    }
    assert.equal(bench.ended.length, STATUS_OF_CODE.length);
    assert.ok(!client.words.some((words) => words.startsWith("RST_STREAM")), "a reset is not answered");
    client.destroy();
  });
}

/** What ends a call by the platform's hand, with the status that the client sees and the code that the function sees. */
const PLATFORM_ENDS: readonly (readonly [
  what: string,
  status: string,
  timeoutMs: number,
  fields: string[],
  end: (bench: GatewayBench) => void,
])[] = [
  ["the function's timeout", "13", 300, [], () => {}],
  ["the client's deadline", "4", 60_000, ["grpc-timeout", "300m"], () => {}],
  ["the end of a drain", "14", 60_000, [], (bench) => bench.gateway.endCalls(fault("Unavailable", "draining"))],
];

for (const [what, status, timeoutMs, fields, end] of PLATFORM_ENDS) {
  test(`${what}: the client gets trailers, NO_ERROR for the rest of its request, and the function CANCEL`, async () => {
    const { driver, first } = rawInstances((peer, { type, streamId }) => {
      if (type === "HEADERS") peer.send(headers(streamId, RESPONSE, false), data(streamId, MESSAGE));
    });
    await using bench = await GatewayBench.start(driver);
    bench.put({ timeoutMs }, "r2");
    const client = await rawClient(bench);
    client.send(headers(1, [...OPENING, ...fields], false));
    await client.until("the message", () => client.wordsOf(1).includes("DATA 1 5"));
    end(bench);
    const instance = await first;
    await instance.until("RST_STREAM", () => instance.words.includes("RST_STREAM 1 code 8"));
    await client.until("RST_STREAM", () => client.words.includes("RST_STREAM 1 code 0"));
    const words = client.wordsOf(1);
    assert.match(words.at(-2) ?? "", new RegExp(`^HEADERS 1 grpc-status ${status} .* end$`));
    client.destroy();
  });
}

test("a function that answers before its request has ended is told CANCEL, the client NO_ERROR", async () => {
  const { driver, first } = rawInstances((peer, { type, streamId }) => {
    if (type === "HEADERS") answer(peer, streamId);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, OPENING, false));
  await client.until("RST_STREAM", () => client.words.includes("RST_STREAM 1 code 0"));
  const instance = await first;
  await instance.until("RST_STREAM", () => instance.words.includes("RST_STREAM 1 code 8"));
  assert.equal(bench.ended[0]?.grpcStatus, 0);
  client.destroy();
});

test("an answer that is no gRPC, and is cut, is reset with INTERNAL_ERROR: no clean end", async () => {
  const { driver } = rawInstances((peer, { type, streamId }) => {
    if (type !== "HEADERS") return;
    peer.send(headers(streamId, [":status", "503", "content-type", "text/html"], false), data(streamId, "half"));
    peer.send(reset(streamId, ErrorCode.INTERNAL_ERROR));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, OPENING, true));
  await client.end(1);
  assert.equal(client.wordsOf(1).at(-1), "RST_STREAM 1 code 2");
  client.destroy();
});
