/** A client that owes nobody good manners: a socket to the gateway, on which it writes what it likes. */
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Flag, FrameType, PREFACE } from "../../../src/h2/frames.ts";
import { ErrorCode, type HeaderList } from "../../../src/h2/h2.ts";
import {
  data,
  FrameReader,
  frame,
  plainBlock,
  type ReadFrame,
  SETTINGS_ACK,
  settings,
} from "../../../src/h2/testing/script.ts";

/** Where the gateway is, and which function to ask for. Plain data: it crosses into the attacker's own process. */
export interface Mark {
  readonly host: string;
  readonly port: number;
  /** Host name of the function: SNI and `:authority`. */
  readonly authority: string;
  readonly caPem: string;
}

/** How far an attacker plays by the rules before it attacks. */
export type Greeting =
  /** A TCP connection, and not a byte. */
  | "tcp"
  /** TLS with ALPN h2, and nothing more. */
  | "tls"
  /** Preface and SETTINGS, but no acknowledgement of the gateway's. */
  | "settings"
  /** All that a client owes. */
  | "whole";

/** gRPC over HTTP/2, "Length-Prefixed-Message": a request without fields. */
export const EMPTY_MESSAGE = Buffer.alloc(5);

/** Attackers have an address of their own, so that limits on one address are theirs alone. */
const ATTACKER_ADDRESS = "127.0.0.2";

/** Bytes written between two looks at what came back. */
const BATCH_BYTES = 16 * 1024;

export class Attacker {
  readonly mark: Mark;
  /** What the gateway sent. */
  readonly frames: ReadFrame[] = [];
  readonly openedAt = performance.now();
  closedAt: number | undefined;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #waiting = new Set<() => void>();
  #nextStreamId = 1;

  static async connect(
    mark: Mark,
    greeting: Greeting,
    own: readonly [id: number, value: number][] = [],
  ): Promise<Attacker> {
    const { host, port, authority: servername, caPem: ca } = mark;
    const localAddress = host.startsWith("127.") ? ATTACKER_ADDRESS : undefined;
    const to = { host, port, ...(localAddress && { localAddress }) };
    const socket = greeting === "tcp" ? connectTcp(to) : connectTls({ ...to, servername, ca, ALPNProtocols: ["h2"] });
    await once(socket, greeting === "tcp" ? "connect" : "secureConnect");
    const attacker = new Attacker(mark, socket);
    if (greeting === "settings" || greeting === "whole") attacker.send(PREFACE, settings(...own));
    if (greeting === "whole") {
      await attacker.until("the gateway's SETTINGS", () => attacker.frames.some(isSettings));
      attacker.send(SETTINGS_ACK);
    }
    return attacker;
  }

  private constructor(mark: Mark, socket: Socket) {
    this.mark = mark;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.frames.push(...this.#reader.push(chunk));
      this.#wake();
    });
    // A reset is an end like any other: `closedAt` tells.
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.closedAt ??= performance.now();
      this.#wake();
    });
  }

  get isClosed(): boolean {
    return this.closedAt !== undefined;
  }

  /** The id of a new stream. */
  nextStream(): number {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    return id;
  }

  /** The head of a call of the test function, as test/fixtures/proto/echo.proto says what it can be asked for. */
  head(method: "Unary" | "ServerStream" | "ClientStream" | "Bidi", more: HeaderList = []): HeaderList {
    const path = `/test.Echo/${method}`;
    const pseudo = [":method", "POST", ":scheme", "https", ":path", path, ":authority", this.mark.authority];
    return [...pseudo, "content-type", "application/grpc", "te", "trailers", ...more];
  }

  /** The same as a header block. */
  block(method: "Unary" | "ServerStream" | "ClientStream" | "Bidi", more: HeaderList = []): Buffer {
    return plainBlock(this.head(method, more));
  }

  /** Opens a call that waits for its first message. */
  opening(streamId: number): Buffer {
    return headersOf(streamId, this.block("Bidi"), Flag.END_HEADERS);
  }

  /** A whole request, answered after a minute: its stream is half closed meanwhile. */
  sleeping(streamId: number): Buffer {
    const head = headersOf(streamId, this.block("Unary", ["x-sleep-ms", "60000"]), Flag.END_HEADERS);
    return Buffer.concat([head, data(streamId, EMPTY_MESSAGE, true)]);
  }

  /** False: the socket is full. */
  send(...parts: readonly Buffer[]): boolean {
    if (this.isClosed || this.#socket.writableEnded) return true;
    return this.#socket.write(Buffer.concat(parts));
  }

  /** Sends what `make` makes, up to `count` times, in batches, as fast as the gateway takes it; ends with the connection. */
  async flood(count: number, make: (index: number) => Buffer): Promise<void> {
    let batch: Buffer[] = [];
    let batchBytes = 0;
    for (let index = 0; index < count && !this.isOver; index++) {
      const bytes = make(index);
      batch.push(bytes);
      batchBytes += bytes.length;
      if (batchBytes < BATCH_BYTES && index < count - 1) continue;
      const takesMore = this.send(...batch);
      batch = [];
      batchBytes = 0;
      if (takesMore) await new Promise(setImmediate);
      else await this.#drained();
    }
  }

  /** Reads nothing more of what the gateway sends, so that its writes stand still. */
  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  /** The gateway said goodbye, or is gone. */
  get isOver(): boolean {
    return this.isClosed || this.goAway !== undefined;
  }

  /** The GOAWAY that ends the connection for a fault. */
  get goAway(): { readonly code: string; readonly token: string } | undefined {
    const last = this.frames.findLast(({ type, code }) => type === "GOAWAY" && code !== ErrorCode.NO_ERROR);
    if (last === undefined) return undefined;
    return { code: codeName(last.code), token: last.payload.subarray(8).toString("utf8") };
  }

  /** Codes of the streams that the gateway reset. */
  get resets(): readonly string[] {
    return this.frames.filter(({ type }) => type === "RST_STREAM").map(({ code }) => codeName(code));
  }

  /** The grpc-status of every stream that ended with one. */
  get statuses(): readonly string[] {
    return this.frames.flatMap(({ headers }) => {
      const at = headers?.indexOf("grpc-status") ?? -1;
      return at < 0 ? [] : [headers?.[at + 1] ?? ""];
    });
  }

  /** Milliseconds from the connection to its end. */
  get livedMs(): number {
    return (this.closedAt ?? performance.now()) - this.openedAt;
  }

  /** Waits until `look` says so; it is asked whenever something came. */
  async until(what: string, look: () => boolean, timeoutMs = 10_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (look()) done(resolve);
        else if (this.isClosed) done(() => reject(new Error(`The connection ended before: ${what}. ${this.story()}`)));
      };
      const done = (then: () => void) => {
        this.#waiting.delete(check);
        clearTimeout(timer);
        then();
      };
      timer = setTimeout(
        () => done(() => reject(new Error(`Not within ${timeoutMs} ms: ${what}. ${this.story()}`))),
        timeoutMs,
      );
      this.#waiting.add(check);
      check();
    });
  }

  async untilClosed(timeoutMs = 10_000): Promise<void> {
    await this.until("the gateway closes the connection", () => this.isClosed, timeoutMs);
  }

  /** What came, for messages. */
  story(): string {
    const words = this.frames.slice(-5).map(({ type, streamId, code }) => `${type} ${streamId} ${code ?? ""}`.trim());
    return `Its last frames: ${words.join(", ") || "none"}`;
  }

  /** Gone without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off("drain", done);
        this.#waiting.delete(check);
        resolve();
      };
      const check = () => {
        if (this.isOver) done();
      };
      this.#socket.on("drain", done);
      this.#waiting.add(check);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function isSettings({ type, flags }: ReadFrame): boolean {
  return type === "SETTINGS" && (flags & Flag.ACK) === 0;
}

function codeName(code: number | undefined): string {
  return Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? String(code);
}

/** A HEADERS frame around a block written by hand. */
export function headersOf(streamId: number, block: Buffer, flags: number = Flag.END_HEADERS | Flag.END_STREAM): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, block);
}

/** Waits for as long as an attacker needs to see what it gets. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
