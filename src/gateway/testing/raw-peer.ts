/** Peers of the gateway that are made of raw frames, right or wrong, on real sockets. */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { FrameReader, PREFACE, type ReadFrame, SETTINGS_ACK, settings, wordsOf } from "../../h2/testing/script.ts";
import { type GatewayBench, HOST } from "./gateway-bench.ts";
import { LocalDriver } from "./local-function.ts";

/** A frame that has not come by then does not come. */
const WAIT_MS = 5_000;

/** A socket on which a test writes frames, and reads what the gateway writes. */
export class RawPeer {
  readonly frames: ReadFrame[] = [];
  isClosed = false;
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  readonly #onFrame: (frame: ReadFrame) => void;
  readonly #waiting = new Set<() => void>();
  #prefaceLeft: number;

  /** `prefaceBytes`: 24 where the gateway is the client. */
  constructor(socket: Duplex, prefaceBytes: number, onFrame: (frame: ReadFrame) => void = () => {}) {
    this.#socket = socket;
    this.#prefaceLeft = prefaceBytes;
    this.#onFrame = onFrame;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      this.isClosed = true;
      for (const look of [...this.#waiting]) look();
    });
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(frames));
  }

  /** What came, in words. */
  get words(): string[] {
    return this.frames.map(wordsOf);
  }

  /** The frames of one stream, in words. */
  wordsOf(streamId: number): string[] {
    return this.frames.filter((frame) => frame.streamId === streamId).map(wordsOf);
  }

  /** Waits until `look` gives something; it is asked whenever something came. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = look();
        if (found !== undefined && found !== false) done(() => resolve(found));
        else if (this.isClosed) done(() => reject(new Error(`The connection ended before: ${what}; ${this.#story()}`)));
      };
      const done = (then: () => void): void => {
        this.#waiting.delete(check);
        clearTimeout(timer);
        then();
      };
      const tooLate = () => reject(new Error(`Not within ${WAIT_MS} ms: ${what}; ${this.#story()}`));
      const timer = setTimeout(() => done(tooLate), WAIT_MS);
      this.#waiting.add(check);
      check();
    });
  }

  /** The first frame on a stream that ends it: END_STREAM or RST_STREAM. */
  end(streamId: number): Promise<ReadFrame> {
    return this.until(`the end of stream ${streamId}`, () =>
      this.frames.find((frame) => frame.streamId === streamId && endsStream(frame)),
    );
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    const skipped = Math.min(this.#prefaceLeft, chunk.length);
    this.#prefaceLeft -= skipped;
    for (const frame of this.#reader.push(chunk.subarray(skipped))) {
      this.frames.push(frame);
      this.#onFrame(frame);
    }
    for (const look of [...this.#waiting]) look();
  }

  #story(): string {
    return `what came: ${this.words.slice(-8).join(", ") || "nothing"}`;
  }
}

function endsStream({ type, flags }: ReadFrame): boolean {
  return type === "RST_STREAM" || ((type === "HEADERS" || type === "DATA") && (flags & 1) !== 0);
}

/** A client that has greeted the gateway as it should. */
export async function rawClient(bench: GatewayBench): Promise<RawPeer> {
  const socket = connectTls(bench.clientTls(HOST));
  await once(socket, "secureConnect");
  const peer = new RawPeer(socket, 0);
  peer.send(PREFACE, settings());
  await peer.until("the gateway's SETTINGS", () => peer.frames.find(({ type }) => type === "SETTINGS"));
  peer.send(SETTINGS_ACK);
  return peer;
}

/** Instances that greet as they should; `onFrame` does the rest. `peers` are their connections, as they come. */
export function rawInstances(onFrame: (peer: RawPeer, frame: ReadFrame) => void): {
  readonly driver: LocalDriver;
  readonly peers: RawPeer[];
  readonly first: Promise<RawPeer>;
} {
  const peers: RawPeer[] = [];
  const { promise: first, resolve } = Promise.withResolvers<RawPeer>();
  const driver = LocalDriver.tcp((socket) => {
    const peer = new RawPeer(socket, PREFACE.length, (frame) => {
      if (frame.type === "SETTINGS" && (frame.flags & 1) === 0) peer.send(SETTINGS_ACK);
      onFrame(peer, frame);
    });
    peers.push(peer);
    resolve(peer);
    peer.send(settings());
  });
  return { driver, peers, first };
}
