import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, Timer, type TimerWheel } from "../base/base.ts";
import { type Connection, ConnectionFault, ErrorCode, type Transport } from "../h2/h2.ts";
import type { ChunkGarbage } from "./chunk-garbage.ts";
import type { Flushable, FlushQueue } from "./flush-queue.ts";

/** Time that a closing socket gets to write its last bytes. */
const CLOSE_GRACE_MS = 1000;

/** Time for which bytes that may wait do: well below what a PING's sender would notice. */
const LATE_FLUSH_MS = 5;

/** What the transports of one gateway share. */
export interface TransportContext {
  readonly flushQueue: FlushQueue;
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
export class SocketTransport extends Timer implements Transport, Flushable {
  readonly #socket: Duplex;
  readonly #context: TransportContext;
  #connection: Connection | undefined;
  #flushQueued = false;
  #closing = false;
  #error: Error | undefined;

  constructor(socket: Duplex, context: TransportContext) {
    super();
    this.#socket = socket;
    this.#context = context;
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

  #received(chunk: Buffer): void {
    this.#context.flushQueue.readBegins();
    try {
      this.#connection?.receive(chunk);
    } catch (error) {
      this.#fail(error);
    }
    this.#context.garbage.received(chunk.length);
    this.#context.flushQueue.readEnded();
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
