/** Plays scripts of calls on both sides, with node:http2, and says what either of them saw. */
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { setTimeout as wait } from "node:timers/promises";
import type { CallScript, Metadata, Step } from "./call-script.ts";
import type { StreamAnswer } from "./local-function.ts";

/** What both sides saw of a call, without what belongs to the platform or to one connection. */
export interface Seen {
  readonly requestHead: readonly string[];
  /** All of the request; "cut" where the call could end before it. */
  readonly request: string;
  readonly requestEnd: string;
  readonly head: readonly string[];
  readonly response: string;
  readonly trailers: readonly string[];
}

/** A call that takes longer hangs, and is given up. */
const STUCK_AFTER_MS = 5_000;

/** Bytes that show when one is lost, doubled or swapped. */
function bytesOf(steps: readonly Step[]): Buffer[] {
  let at = 0;
  return steps.map(({ sizeBytes }) => {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    for (let i = 0; i < sizeBytes; i++, at++) bytes[i] = (at * 31 + (at >> 8)) & 0xff;
    return bytes;
  });
}

function toHeaders(values: Metadata): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, [...list]]));
}

/** Fields in order, without what the platform adds, what differs by connection, and the server's clock. */
function own(list: readonly string[]): string[] {
  const fields: string[] = [];
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    if (name.startsWith("x-fc-") || name === "date" || name === ":scheme" || name === "x-script") continue;
    fields.push(`${name}: ${list[at + 1]}`);
  }
  return fields;
}

/** Where bytes differ is of more use than the bytes. */
function digest(chunks: readonly Buffer[], expected: readonly Buffer[]): string {
  const bytes = Buffer.concat(chunks);
  const wanted = Buffer.concat(expected);
  return `${bytes.length} bytes${wanted.subarray(0, bytes.length).equals(bytes) ? "" : ", not what was sent"}`;
}

/** Plays scripts: the function's side as `answer`, the client's as `call`. */
export class ScriptPlayer {
  readonly #running = new Map<string, { script: CallScript; functionSaw: (saw: FunctionSaw) => void }>();
  #calls = 0;

  readonly answer: StreamAnswer = (stream, headers, rawHeaders = []) => {
    const running = this.#running.get(String(headers["x-script"]));
    if (running === undefined)
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": 0 }, { endStream: true });
    else void playFunction(stream, running.script, own(rawHeaders)).then(running.functionSaw);
  };

  /** Makes one call and says what was seen of it on both sides. `head` is the request head without metadata. */
  async call(session: ClientHttp2Session, head: OutgoingHttpHeaders, script: CallScript): Promise<Seen> {
    const id = String(this.#calls++);
    const functionSaw = new Promise<FunctionSaw>((resolve) => {
      const nothing = { requestHead: [], request: "", requestEnd: "the function saw nothing of it" };
      const timer = setTimeout(() => resolve(nothing), 3 * STUCK_AFTER_MS);
      const functionSaw = (saw: FunctionSaw) => {
        clearTimeout(timer);
        resolve(saw);
      };
      this.#running.set(id, { script, functionSaw });
    });
    const stream = session.request({ ...head, "x-script": id, ...toHeaders(script.metadata) }, { endStream: false });
    const [client, saw] = await Promise.all([playClient(stream, script), functionSaw]);
    this.#running.delete(id);
    return { ...client, ...saw };
  }
}

type FunctionSaw = Pick<Seen, "requestHead" | "request" | "requestEnd">;

async function playFunction(
  stream: ServerHttp2Stream,
  script: CallScript,
  requestHead: string[],
): Promise<FunctionSaw> {
  const requests = bytesOf(script.requests);
  const awaitedBytes = Math.floor(Buffer.concat(requests).length * script.awaitedRatio);
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  let isEnded = false;
  let isStuck = false;
  const closed = new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      isStuck = true;
      resolve();
    }, 2 * STUCK_AFTER_MS);
    stream.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  await new Promise<void>((resolve) => {
    const look = () => {
      if (receivedBytes >= awaitedBytes && (isEnded || script.awaitedRatio < 1)) resolve();
    };
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      receivedBytes += chunk.length;
      look();
    });
    stream.on("end", () => {
      isEnded = true;
      look();
    });
    void closed.then(resolve);
    look();
  });
  await respond(stream, script);
  await closed;
  if (isStuck) {
    const requestEnd = `stuck: ended ${isEnded}, answer ended ${stream.writableEnded} ${stream.writableFinished}`;
    return { requestHead, request: digest(chunks, requests), requestEnd };
  }
  const { kind } = script.finish;
  // A call that ended before its request did: how much of that arrived is the network's affair.
  const isWhole = script.awaitedRatio === 1 && kind !== "cancelled";
  return {
    requestHead,
    request: isWhole ? digest(chunks, requests) : digest(chunks, requests).replace(/^\d+ bytes/, "cut"),
    requestEnd: kind === "cancelled" ? `reset ${stream.rstCode}` : isWhole ? `ended ${isEnded}` : "",
  };
}

async function respond(stream: ServerHttp2Stream, { head, responses, trailers, finish }: CallScript): Promise<void> {
  const start = { ":status": 200, "content-type": "application/grpc", ...toHeaders(head) };
  if (finish.kind === "reset") {
    stream.close(finish.code);
    return;
  }
  if (stream.destroyed) return;
  if (finish.kind === "trailersOnly") {
    stream.respond({ ...start, ...endOf(finish), ...toHeaders(trailers) }, { endStream: true });
    return;
  }
  stream.respond(start, { waitForTrailers: true });
  const all = bytesOf(responses);
  stream.on("wantTrailers", () => {
    if (finish.kind === "trailers") stream.sendTrailers({ ...endOf(finish), ...toHeaders(trailers) });
  });
  for (const [index, { pauseMs }] of responses.entries()) {
    if (pauseMs > 0) await wait(pauseMs);
    if (stream.destroyed) return;
    stream.write(all[index]);
  }
  if (finish.kind === "trailers") stream.end();
}

function endOf({ status, message }: { readonly status: number; readonly message: string }): OutgoingHttpHeaders {
  return { "grpc-status": status, ...(message !== "" && { "grpc-message": message }) };
}

async function playClient(
  stream: ClientHttp2Stream,
  script: CallScript,
): Promise<Pick<Seen, "head" | "response" | "trailers">> {
  const responses = bytesOf(script.responses);
  const cancelAtBytes = script.finish.kind === "cancelled" ? Buffer.concat(responses).length : Number.NaN;
  let head: string[] = [];
  let trailers: string[] = [];
  let receivedBytes = 0;
  const chunks: Buffer[] = [];
  const lookForCancel = () => {
    if (head.length > 0 && receivedBytes === cancelAtBytes) stream.close(8);
  };
  stream.on("error", () => {});
  stream.on("response", (_headers, _flags, raw: string[]) => {
    head = own(raw);
    lookForCancel();
  });
  stream.on("trailers", (_headers: object, _flags: number, raw: string[]) => {
    trailers = own(raw);
  });
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    receivedBytes += chunk.length;
    lookForCancel();
  });
  let isStuck = false;
  void send(stream, script);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      isStuck = true;
      stream.close(11);
      resolve();
    }, STUCK_AFTER_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    stream.once("close", done);
    // node:http2's client emits no `close` where RST_STREAM NO_ERROR comes while it writes.
    stream.once("end", () => {
      if (head.length > 0 && script.finish.kind !== "cancelled") done();
    });
  });
  if (isStuck)
    return {
      head,
      response: `stuck at ${digest(chunks, responses)}, ${stream.closed} ${stream.rstCode} ${stream.readableEnded} ${stream.writableFinished}`,
      trailers,
    };
  if (script.finish.kind === "reset") {
    // What a gRPC client makes of the code, where it is not told in words.
    const status = head.find((field) => field.startsWith("grpc-status: "));
    return { head: [status ?? `reset ${stream.rstCode}`], response: "", trailers: [] };
  }
  return { head, response: digest(chunks, responses), trailers };
}

async function send(stream: ClientHttp2Stream, { requests, endsApart }: CallScript): Promise<void> {
  const all = bytesOf(requests);
  const last = requests.length - 1;
  for (const [index, { pauseMs }] of requests.entries()) {
    if (pauseMs > 0) await wait(pauseMs);
    if (stream.destroyed) return;
    if (index === last && !endsApart) stream.end(all[index]);
    else stream.write(all[index]);
  }
  if (!stream.writableEnded && !stream.destroyed) stream.end();
}
