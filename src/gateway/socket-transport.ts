import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, Timer, type TimerWheel } from "../base/base.ts";
import { type Connection, ConnectionFault, ErrorCode, type Transport } from "../h2/h2.ts";
import type { ChunkGarbage } from "./chunk-garbage.ts";
import type { Flushable, FlushQueue } from "./flush-queue.ts";
import type { TurnQueue, TurnTaker } from "./turn-queue.ts";
import type { TurnShare } from "./turn-share.ts";

/** Time that a closing socket gets to write its last bytes. */
const CLOSE_GRACE_MS = 1000;

/** Time for which bytes that may wait do: well below what a PING's sender would notice. */
const LATE_FLUSH_MS = 5;

/** Bytes handled at once of a connection that uses its share of the loop up again and again. */
const SLICE_BYTES = 2048;

/** What the transports of one gateway share. */
export interface TransportContext {
  readonly flushQueue: FlushQueue;
  readonly turnQueue: TurnQueue;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly garbage: ChunkGarbage;
  /** Told of what was thrown while a connection's bytes were handled: a bug of ours. The connection is ended. */
  connectionFailed(error: unknown): void;
}

/**
 * Joins a socket (TLS from clients, plain to instances) to an HTTP/2 connection. Invariant 9: whatever is thrown while
 * its bytes are handled ends this connection and nothing else.
 */
export class SocketTransport extends Timer implements Transport, Flushable, TurnTaker {
  readonly #socket: Duplex;
  readonly #context: TransportContext;
  #connection: Connection | undefined;
  #flushQueued = false;
  #closing = false;
  #error: Error | undefined;
  /** Bytes that wait for the next turn of the loop; the socket is paused meanwhile. */
  #rest: Buffer | undefined;
  readonly #share: TurnShare | undefined;

  /** `share`: how much of a turn of the loop the peer's requests may take; without one it has no bound. */
  constructor(socket: Duplex, context: TransportContext, share?: TurnShare) {
    super();
    this.#socket = socket;
    this.#context = context;
    this.#share = share;
  }

  /** Begins to hand the socket's bytes to `connection`, after what was written at its start. */
  attach(connection: Connection): void {
    this.#connection = connection;
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#guarded(() => connection.drained()));
    socket.on("end", () => socket.end());
    socket.on("error", (error) => {
      this.#error = error;
      // What breaks TLS after the handshake is told and no more: the socket would stay open, and its calls with it.
      socket.destroy();
    });
    socket.on("close", () => {
      this.#context.wheel.disarm(this);
      this.#guarded(() => connection.transportClosed(this.#error));
    });
    this.#guarded(() => connection.start());
  }

  nowMs(): number {
    return this.#context.clock.nowMs();
  }

  scheduleFlush(mayWait: boolean): void {
    if (this.#flushQueued) return;
    if (mayWait) {
      if (!this.#closing) this.#context.wheel.arm(this, LATE_FLUSH_MS);
      return;
    }
    this.#flushQueued = true;
    this.#context.flushQueue.add(this);
  }

  flush(): void {
    this.#flushQueued = false;
    if (this.armed && !this.#closing) this.#context.wheel.disarm(this);
    try {
      this.#connection?.flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  write(parts: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (parts.length === 1) return socket.write(parts[0] as Buffer);
    // Several parts, corked, are one system call (writev).
    socket.cork();
    let takesMore = true;
    for (const part of parts) takesMore = socket.write(part);
    socket.uncork();
    return takesMore;
  }

  close(hard: boolean): void {
    if (hard) {
      this.#socket.destroy();
      return;
    }
    this.#endSoon();
  }

  /** Bytes given to the socket since the start. */
  get givenBytes(): number {
    return (this.#socket as Partial<Socket>).bytesWritten ?? 0;
  }

  /**
   * Those of them that the system has not taken yet. Node.js counts a write when all of it is taken, which says nothing
   * for minutes of a slow client: its handle knows, also below TLS (net.Socket's own timeout looks there, too).
   */
  get untakenBytes(): number {
    const handle = (this.#socket as { readonly _handle?: { readonly writeQueueSize?: number } | null })._handle;
    return handle?.writeQueueSize ?? this.#socket.writableLength;
  }

  /** Bytes that could wait have waited, or the grace of a close is over. */
  override fire(): void {
    if (this.#closing) this.#socket.destroy();
    else this.flush();
  }

  /** TurnTaker: the others had theirs. */
  nextTurn(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (this.#share !== undefined) this.#share.isUsedUp = false;
    if (rest !== undefined && rest.length > 0 && !this.#closing && !this.#socket.destroyed) this.#read(rest);
    // A closing socket is read to its end, unheard: otherwise the peer's FIN would not be seen.
    if (this.#rest === undefined) this.#socket.resume();
  }

  #received(chunk: Buffer): void {
    this.#context.flushQueue.readBegins();
    if (this.#rest === undefined) this.#read(chunk);
    // A paused stream may still give what it had read.
    else this.#rest = Buffer.concat([this.#rest, chunk]);
    this.#context.garbage.received(chunk.length);
    this.#context.flushQueue.readEnded();
  }

  /** Handles bytes until the connection's share is used up; the rest waits, and the socket, for the next turn. */
  #read(chunk: Buffer): void {
    const share = this.#share;
    if (share === undefined) {
      this.#handle(chunk);
      return;
    }
    let at = 0;
    do {
      const end = share.isSliced ? Math.min(chunk.length, at + SLICE_BYTES) : chunk.length;
      this.#handle(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      at = end;
    } while (at < chunk.length && !share.isUsedUp);
    if (!share.isUsedUp) return;
    this.#rest = chunk.subarray(at);
    this.#socket.pause();
    this.#context.turnQueue.add(this);
  }

  #handle(bytes: Buffer): void {
    try {
      this.#connection?.receive(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#context.connectionFailed(error);
    try {
      this.#connection?.destroy(
        new ConnectionFault(ErrorCode.INTERNAL_ERROR, "internal_error", "RFC 9113 §7", "a bug of Sluice"),
      );
    } catch (again) {
      this.#context.connectionFailed(again);
    }
    this.#endSoon();
  }

  #endSoon(): void {
    this.#closing = true;
    this.#socket.end();
    this.#context.wheel.arm(this, CLOSE_GRACE_MS);
  }
}
