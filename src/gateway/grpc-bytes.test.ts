/** What gRPC puts into HTTP/2, frame by frame: the gateway passes it on as it came, both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { data, FrameType, frame, headers, RESPONSE, type ReadFrame, reset, TRAILERS } from "../h2/testing/script.ts";
import { GatewayBench, HOST, KEY, MESSAGE } from "./testing/gateway-bench.ts";
import { type RawPeer, rawClient, rawInstances } from "./testing/raw-peer.ts";

const GRPC_HEAD = [
  ...[":method", "POST", ":scheme", "https", ":path", "/p.S/M", ":authority", HOST],
  ...["content-type", "application/grpc", "te", "trailers"],
];

const END_STREAM = 1;
const PADDED = 8;

/** Values of a field, in order. */
function valuesOf(list: readonly string[] | undefined, name: string): string[] {
  return (list ?? []).filter((_value, at, all) => at % 2 === 1 && all[at - 1] === name);
}

function headersOf(peer: RawPeer, streamId: number): ReadFrame[] {
  return peer.frames.filter((seen) => seen.streamId === streamId && seen.type === "HEADERS");
}

/** All DATA of a stream in one. */
function bytesOf(peer: RawPeer, streamId: number): Buffer {
  const parts = peer.frames.filter((seen) => seen.streamId === streamId && seen.type === "DATA");
  return Buffer.concat(parts.map(({ payload }) => payload));
}

function endsStream({ flags }: ReadFrame): boolean {
  return (flags & END_STREAM) !== 0;
}

/** Bytes that show when one is lost, doubled or swapped, with a gRPC prefix. */
function message(sizeBytes: number, isCompressed = false): Buffer {
  const bytes = Buffer.alloc(5 + sizeBytes);
  bytes[0] = isCompressed ? 1 : 0;
  bytes.writeUInt32BE(sizeBytes, 1);
  for (let at = 5; at < bytes.length; at++) bytes[at] = (at * 31 + (at >> 8)) & 0xff;
  return bytes;
}

/** A bench whose function answers a request head with the frames that `answers` holds for its stream, in turn. */
async function answering(answers: readonly ((streamId: number) => readonly Buffer[])[]) {
  let calls = 0;
  const { driver, peers } = rawInstances((peer, { type, streamId }) => {
    if (type === "HEADERS") peer.send(...(answers[calls++]?.(streamId) ?? []));
  });
  const bench = await GatewayBench.start(driver);
  return { bench, peers, client: await rawClient(bench) };
}

/** Those of gRPC, those that it does not define, and as large as an int32 of clients holds. */
const STATUSES = [...Array.from({ length: 18 }, (_, code) => String(code)), "99", "255", "1000", "65536", "2147483647"];

test("grpc-status passes as it is, known to gRPC or not, in trailers and in a trailers-only head", async () => {
  const trailers = (status: string) => (id: number) => [
    headers(id, RESPONSE, false),
    data(id, MESSAGE),
    headers(id, ["grpc-status", status, "x-note", "late"], true),
  ];
  const only = (status: string) => (id: number) => [
    headers(id, [...RESPONSE, "grpc-status", status, "x-note", "only"], true),
  ];
  const answers = STATUSES.flatMap((status) => [trailers(status), only(status)]);
  const { bench, client } = await answering(answers);
  await using _ = bench;
  for (const [index, status] of STATUSES.flatMap((each) => [each, each]).entries()) {
    const id = 2 * index + 1;
    client.send(headers(id, GRPC_HEAD, false), data(id, MESSAGE, true));
    const { headers: end } = await client.end(id);
    assert.deepEqual(valuesOf(end, "grpc-status"), [status]);
    assert.deepEqual(valuesOf(end, "x-note"), [index % 2 === 0 ? "late" : "only"]);
    assert.deepEqual(valuesOf(end, "x-fc-error-type"), []);
    assert.equal(headersOf(client, id).length, index % 2 === 0 ? 2 : 1);
  }
  assert.deepEqual(
    bench.ended.map(({ grpcStatus }) => String(grpcStatus)),
    STATUSES.flatMap((status) => [status, status]),
  );
  client.destroy();
});

test("what is no status at all is 13 BadResponse", async () => {
  const wrong = ["", "x", "-1", "1.0", "0x0", "+0", "99999999999"];
  const { bench, client } = await answering(
    wrong.map((status) => (id) => [headers(id, RESPONSE, false), headers(id, ["grpc-status", status], true)]),
  );
  await using _ = bench;
  for (const [index, status] of wrong.entries()) {
    const id = 2 * index + 1;
    client.send(headers(id, GRPC_HEAD, true));
    const { headers: end } = await client.end(id);
    assert.deepEqual(valuesOf(end, "grpc-status"), ["13"], status);
    assert.deepEqual(valuesOf(end, "x-fc-error-type"), ["BadResponse"], status);
  }
  client.destroy();
});

test("grpc-message passes byte for byte: encoded, wrongly encoded, newlines, bytes that are no ASCII, and 8 KiB of it", async () => {
  const messages = [
    "",
    "plain",
    "100%25 sure",
    "%E4%BD%A0%E5%A5%BD%0Azweite%20Zeile%0D%0A",
    "%e4%bd%a0 lower case",
    "%zz %4 % %",
    "%C3%28 %FF%FE no UTF-8",
    "%00",
    "caf\u00e9 \u00ff \u0080",
    "tab\tinside",
    "x".repeat(8192),
  ];
  const { bench, client } = await answering(
    messages.map((text) => (id) => [headers(id, [...RESPONSE, "grpc-status", "9", "grpc-message", text], true)]),
  );
  await using _ = bench;
  for (const [index, text] of messages.entries()) {
    const id = 2 * index + 1;
    client.send(headers(id, GRPC_HEAD, true));
    assert.deepEqual(valuesOf((await client.end(id)).headers, "grpc-message"), [text]);
  }
  client.destroy();
});

test("metadata passes in its order and as it is: -bin padded, unpadded, joined by commas, repeated, empty; no value is joined or split", async () => {
  const metadata = [
    ...["a-bin", "AAEC/w==", "a-bin", "AAEC/w", "b-bin", "AAEC,AwQF, BgcI", "c-bin", "", "a-bin", "////"],
    ...["note", "one", "note", "two, three", "note", "", "quoted", '"a, b"; c=d', "grpc-tags-bin", "AA"],
    ...["grpc-encoding", "gzip", "grpc-accept-encoding", "identity,deflate,gzip", "grpc-previous-rpc-attempts", "1"],
  ];
  const own = (list: readonly string[] = []) =>
    list.filter((_, at) => metadata.includes(list[at - (at % 2)] as string));
  const { bench, peers, client } = await answering([
    (id) => [headers(id, [...RESPONSE, ...metadata], false), headers(id, [...TRAILERS, ...metadata], true)],
    (id) => [headers(id, [...RESPONSE, ...TRAILERS, ...metadata], true)],
  ]);
  await using _ = bench;
  for (const id of [1, 3]) {
    client.send(headers(id, [...GRPC_HEAD, ...metadata], true));
    await client.end(id);
  }
  const heads = [...headersOf(client, 1), ...headersOf(client, 3), ...headersOf(peers[0] as RawPeer, 1)];
  assert.equal(heads.length, 4);
  for (const { headers: list } of heads) assert.deepEqual(own(list), metadata);
  client.destroy();
});

test("the compression flag and what follows it are not touched, nor a message cut where the gateway likes", async () => {
  const sizes = [0, 1, 4, 5, 16_379, 16_384, 3];
  // Less than the 64 KiB of the raw peers' windows, which nobody refills.
  const sent = Buffer.concat(sizes.map((size, index) => message(size, index % 2 === 0)));
  const { driver, peers } = rawInstances((peer, seen) => {
    if (seen.type !== "DATA") return;
    if (peer.wordsOf(seen.streamId).length === 2) peer.send(headers(seen.streamId, RESPONSE, false));
    peer.send(frame(FrameType.DATA, 0, seen.streamId, seen.payload));
    if (endsStream(seen)) peer.send(headers(seen.streamId, TRAILERS, true));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, GRPC_HEAD, false));
  for (let at = 0; at < sent.length; at += 997)
    client.send(data(1, sent.subarray(at, at + 997), at + 997 >= sent.length));
  await client.end(1);
  assert.ok(bytesOf(peers[0] as RawPeer, 1).equals(sent));
  assert.ok(bytesOf(client, 1).equals(sent));
  client.destroy();
});

test("messages in frames of one byte, and in padded ones, pass both ways", async () => {
  const sent = Buffer.concat([message(0), message(1), message(300, true)]);
  const single = (id: number, bytes: Buffer) => [...bytes].map((_byte, at) => data(id, bytes.subarray(at, at + 1)));
  const padded = (id: number, bytes: Buffer) =>
    [...bytes].map((byte, at) =>
      frame(FrameType.DATA, PADDED, id, Buffer.from([at % 7, byte, ...Buffer.alloc(at % 7)])),
    );
  const { driver, peers } = rawInstances((peer, seen) => {
    const id = seen.streamId;
    if (seen.type !== "DATA" || !endsStream(seen)) return;
    peer.send(headers(id, RESPONSE, false), ...(id === 1 ? padded(id, sent) : single(id, sent)));
    peer.send(headers(id, TRAILERS, true));
  });
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  client.send(headers(1, GRPC_HEAD, false), ...single(1, sent), data(1, "", true));
  await client.end(1);
  client.send(headers(3, GRPC_HEAD, false));
  for (const each of padded(3, sent)) client.send(each);
  client.send(data(3, "", true));
  await client.end(3);
  for (const id of [1, 3]) {
    assert.ok(bytesOf(client, id).equals(sent), `response ${id}`);
    assert.ok(bytesOf(peers[0] as RawPeer, id).equals(sent), `request ${id}`);
  }
  client.destroy();
});

test("an empty stream: no DATA either way, whether the request ends with its head or with an empty frame", async () => {
  const empty = (id: number) => [headers(id, RESPONSE, false), headers(id, TRAILERS, true)];
  const { bench, peers, client } = await answering([empty, empty]);
  await using _ = bench;
  client.send(headers(1, GRPC_HEAD, true));
  assert.equal((await client.end(1)).type, "HEADERS");
  client.send(headers(3, GRPC_HEAD, false), data(3, "", true));
  await client.end(3);
  const instance = peers[0] as RawPeer;
  await instance.until("the end of the second request", () => instance.words.includes("DATA 3 0 end"));
  assert.equal(headersOf(instance, 1).filter(endsStream).length, 1, "the head is the whole request");
  for (const id of [1, 3]) assert.equal(bytesOf(client, id).length, 0);
  client.destroy();
});

test("early trailers with RST_STREAM NO_ERROR: the client gets both, the slot is free, later DATA of the client is no fault", async () => {
  const { bench, peers, client } = await answering([
    (id) => [headers(id, RESPONSE, false), data(id, MESSAGE), headers(id, ["grpc-status", "7"], true), reset(id, 0)],
    (id) => [headers(id, [...RESPONSE, "grpc-status", "8"], true), reset(id, 0)],
    (id) => [headers(id, RESPONSE, false), headers(id, TRAILERS, true)],
  ]);
  await using _ = bench;
  client.send(headers(1, GRPC_HEAD, false), data(1, MESSAGE));
  client.send(headers(3, GRPC_HEAD, false));
  for (const [id, status] of [
    [1, "7"],
    [3, "8"],
  ] as const) {
    assert.deepEqual(valuesOf((await client.end(id)).headers, "grpc-status"), [status]);
    await client.until("RST_STREAM NO_ERROR", () => client.words.includes(`RST_STREAM ${id} code 0`));
    client.send(data(id, message(10_000), true));
  }
  client.send(headers(5, GRPC_HEAD, true));
  assert.deepEqual(valuesOf((await client.end(5)).headers, "grpc-status"), ["0"]);
  assert.equal(bench.scheduler.statusOf(KEY)?.instances[0]?.openCalls, 0);
  assert.equal(peers.length, 1);
  assert.deepEqual(bench.gateway.refusals.counts(), {});
  client.destroy();
});

test("either side may end first: the other goes on for as long as it likes", async () => {
  let arrived = (_peer: RawPeer) => {};
  const first = new Promise<RawPeer>((resolve) => {
    arrived = resolve;
  });
  const { driver } = rawInstances((peer) => arrived(peer));
  await using bench = await GatewayBench.start(driver);
  const client = await rawClient(bench);
  // The client ends; the function streams on.
  client.send(headers(1, GRPC_HEAD, false), data(1, MESSAGE, true));
  const instance = await first;
  await instance.until("the request's end", () => instance.words.includes("DATA 1 5 end"));
  instance.send(headers(1, RESPONSE, false));
  for (let i = 1; i <= 20; i++) {
    instance.send(data(1, message(i)));
    const wanted = Buffer.concat(Array.from({ length: i }, (_, at) => message(at + 1))).length;
    await client.until(`message ${i}`, () => bytesOf(client, 1).length === wanted);
  }
  instance.send(headers(1, TRAILERS, true));
  await client.end(1);
  // The function answers whole messages before the client ends, and ends after it.
  client.send(headers(3, GRPC_HEAD, false));
  await instance.until("the second request", () => headersOf(instance, 3).length === 1);
  instance.send(headers(3, RESPONSE, false));
  for (let i = 1; i <= 20; i++) {
    client.send(data(3, MESSAGE));
    await instance.until(`request ${i}`, () => bytesOf(instance, 3).length === 5 * i);
    instance.send(data(3, MESSAGE));
    await client.until(`reply ${i}`, () => bytesOf(client, 3).length === 5 * i);
  }
  client.send(data(3, "", true));
  await instance.until("the request's end", () => instance.words.includes("DATA 3 0 end"));
  instance.send(headers(3, TRAILERS, true));
  assert.deepEqual(valuesOf((await client.end(3)).headers, "grpc-status"), ["0"]);
  client.destroy();
});
