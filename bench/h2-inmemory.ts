/**
 * What a unary gRPC call costs in the HTTP/2 layer alone: a client connection and a server connection joined in memory,
 * both ends together, in microseconds. No sockets, so that a profile (`node --cpu-prof bench/h2-inmemory.ts`) shows
 * this layer and nothing else. Arguments: streams at a time, calls.
 */
import type { HeaderList, Stream, StreamHandler } from "../src/h2/h2.ts";
import { End, exchange } from "../src/h2/testing/pair.ts";

const streams = Number(process.argv[2] ?? 10);
const calls = Number(process.argv[3] ?? 400_000);
const ROUNDS = 5;

const RESPONSE: HeaderList = [":status", "200", "content-type", "application/grpc"];
const TRAILERS: HeaderList = ["grpc-status", "0", "grpc-message", ""];
const MESSAGE = Buffer.alloc(21, 1);

let completed = 0;

/** Answers each message with one of the same size. */
class Answer implements StreamHandler {
  readonly #stream: Stream;
  constructor(stream: Stream) {
    this.#stream = stream;
  }
  headers(): void {}
  data(chunk: Buffer, endStream: boolean): void {
    this.#stream.consumed(chunk.length);
    if (!endStream) return;
    this.#stream.headers(RESPONSE, false);
    this.#stream.data(MESSAGE, false);
    this.#stream.trailers(TRAILERS);
  }
  trailers(): void {}
  reset(): void {}
  sent(): void {}
  closed(): void {}
}

class Call implements StreamHandler {
  stream: Stream | undefined;
  headers(): void {}
  data(chunk: Buffer): void {
    this.stream?.consumed(chunk.length);
  }
  trailers(headers: HeaderList): void {
    if (headers[1] === "0") completed++;
  }
  reset(): void {
    throw new Error("a call was reset");
  }
  sent(): void {}
  closed(): void {}
}

function requestHead(number: number, differs: boolean): HeaderList {
  const head = [
    ":method",
    "POST",
    ":scheme",
    "https",
    ":path",
    "/helloworld.Greeter/SayHello",
    ":authority",
    "greeter.example.localhost:8089",
    "content-type",
    "application/grpc",
    "te",
    "trailers",
    "user-agent",
    "grpc-go/1.60.0",
  ];
  if (differs) {
    const id = number.toString(16).padStart(16, "0");
    head.push("grpc-timeout", `${number % 9_000_000}u`, "traceparent", `00-${id}${id}-${id}-01`);
  }
  return head;
}

function run(label: string, differs: boolean): void {
  const server = new End("server", { concurrentStreamsMax: 100_000 }, (stream) => new Answer(stream));
  const client = new End("client");
  exchange(client, server);
  for (let round = 0; round < ROUNDS; round++) {
    completed = 0;
    const startedAt = process.hrtime.bigint();
    for (let number = 0; number < calls; number += streams) {
      for (let at = 0; at < streams; at++) {
        const call = new Call();
        call.stream = client.connection.request(requestHead(number + at, differs), false, call);
        call.stream.data(MESSAGE, true);
      }
      exchange(client, server);
    }
    const microseconds = Number(process.hrtime.bigint() - startedAt) / 1000;
    if (completed < calls) throw new Error(`${completed} of ${calls} calls completed`);
    console.log(`${label}: ${(microseconds / calls).toFixed(2)} us a call, both ends`);
  }
}

run(`${streams} streams, same headers`, false);
run(`${streams} streams, grpc-timeout and traceparent differ`, true);
