/** Whole conversations with node:http2, another implementation, over loopback sockets, in both roles. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { type AddressInfo, connect, type Server } from "node:net";
import { describe, it } from "node:test";
import { Connection, type ConnectionEvents, connectionOptions } from "./h2.ts";
import { createEchoServer, join } from "./testing/echo-server.ts";
import { REQUEST, Recorder } from "./testing/script.ts";

const CALLS = 50;
const SIZES = [0, 1, 5, 4_095, 4_096, 16_384, 16_385, 300_000, 2_000_000];

async function listen(server: Server | http2.Http2Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function bodyOf(call: number): Buffer {
  return Buffer.alloc(SIZES[call % SIZES.length]!, call);
}

function fieldsOf(call: number): Record<string, string> {
  return { "x-same": "always", "x-call": String(call), authorization: "secret", "x-long": "y".repeat(call * 20) };
}

describe("node:http2 as the client", () => {
  it("gets its bodies back from our server, many calls at a time", async () => {
    const server = createEchoServer();
    const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    const call = async (number: number): Promise<void> => {
      const stream = session.request({ ":method": "POST", ":path": "/", ...fieldsOf(number) }, { endStream: false });
      stream.end(bodyOf(number));
      const [headers] = await once(stream, "response");
      assert.equal(headers[":status"], 200);
      const chunks: Buffer[] = await stream.toArray();
      assert.ok(Buffer.concat(chunks).equals(bodyOf(number)), `call ${number}`);
    };
    await Promise.all([...Array(CALLS).keys()].map(call));
    for (let number = 0; number < CALLS; number++) await call(number);
    await new Promise<void>((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
    session.close();
    server.close();
    await once(server, "close");
  });
});

describe("node:http2 as the server", () => {
  it("understands our client: headers, bodies and trailers, many calls at a time", async () => {
    const server = http2.createServer();
    server.on("stream", (stream, headers) => {
      stream.respond(
        { ":status": 200, "x-call": headers["x-call"], "x-long": headers["x-long"] },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    const socket = connect(await listen(server), "127.0.0.1");
    const none = (): never => assert.fail("a client gets no requests");
    const ended = Promise.withResolvers<unknown>();
    const events: ConnectionEvents = {
      request: none,
      oversizedRequest: none,
      settings: () => {},
      goAway: () => {},
      closed: ended.resolve,
    };
    const connection = join(socket, (transport) => new Connection("client", connectionOptions({}), transport, events));
    const call = (number: number): Promise<Answer> => {
      const answer = new Answer();
      answer.stream = connection.request([...REQUEST, ...Object.entries(fieldsOf(number)).flat()], false, answer);
      answer.stream.data(bodyOf(number), true);
      return answer.done.promise;
    };
    const check = async (number: number): Promise<void> => {
      const answer = await call(number);
      assert.match(answer.log[0]!, new RegExp(`x-call ${number} x-long ${"y".repeat(number * 20)}`));
      assert.ok(Buffer.concat(answer.chunks).equals(bodyOf(number)), `call ${number}`);
      assert.deepEqual(answer.log.slice(-2), ["trailers grpc-status 0", "closed"]);
    };
    await Promise.all([...Array(CALLS).keys()].map(check));
    for (let number = 0; number < CALLS; number++) await check(number);
    connection.goAway();
    connection.closeWhenIdle();
    assert.equal(await ended.promise, undefined);
    server.close();
    await once(server, "close");
  });
});

class Answer extends Recorder {
  readonly chunks: Buffer[] = [];
  readonly done = Promise.withResolvers<Answer>();
  override data(chunk: Buffer, endStream: boolean): void {
    this.chunks.push(chunk);
    super.data(chunk, endStream);
  }
  override closed(): void {
    super.closed();
    this.done.resolve(this);
  }
}
