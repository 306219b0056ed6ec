import type { ConnectionEvents, StreamHandler, Transport } from "../contract.ts";
import { Connection, type ConnectionFault, type ConnectionOptions, connectionOptions, type Role } from "../h2.ts";

/** A transport that keeps what is written, and can play a full socket. */
export class MemoryTransport implements Transport {
  written: Buffer[] = [];
  flushIsAsked = false;
  /** A flush is asked for that may wait. */
  lateFlushIsAsked = false;
  /** What `write` answers. */
  takesMore = true;
  closed: "no" | "gracefully" | "hard" = "no";
  /** What the connection takes for the time. */
  timeMs = 0;

  nowMs(): number {
    return this.timeMs;
  }

  scheduleFlush(mayWait: boolean): void {
    if (this.flushIsAsked) throw new Error("scheduleFlush was called twice before a flush");
    if (mayWait && this.lateFlushIsAsked) throw new Error("a flush that may wait was asked for twice");
    this.lateFlushIsAsked = mayWait;
    this.flushIsAsked = !mayWait;
  }

  write(parts: readonly Buffer[]): boolean {
    if (parts.length === 0 || parts.some((part) => part.length === 0)) throw new Error("an empty write");
    this.written.push(...parts);
    return this.takesMore;
  }

  close(hard: boolean): void {
    if (this.closed !== "no") throw new Error("closed twice");
    this.closed = hard ? "hard" : "gracefully";
  }

  /** Takes out all that was written. */
  take(): Buffer[] {
    const { written } = this;
    this.written = [];
    return written;
  }
}

/** A connection with its transport; what happens on it as a whole is noted in words. */
export class End {
  readonly transport = new MemoryTransport();
  readonly connection: Connection;
  readonly log: string[] = [];
  fault: ConnectionFault | undefined;

  /** `onRequest`, `onOversized`: server role, what makes the handlers. */
  constructor(
    role: Role,
    options: Partial<ConnectionOptions> = {},
    onRequest?: ConnectionEvents["request"],
    onOversized?: ConnectionEvents["oversizedRequest"],
  ) {
    const none = (): StreamHandler => {
      throw new Error("no request was expected");
    };
    this.connection = new Connection(role, connectionOptions(options), this.transport, {
      request: onRequest ?? none,
      oversizedRequest: onOversized ?? none,
      settings: () => this.log.push("settings"),
      goAway: (lastStreamId, code, debug) => this.log.push(`goaway ${lastStreamId} ${code} ${debug}`.trimEnd()),
      closed: (fault) => {
        this.fault = fault;
        this.log.push(`closed ${fault?.token ?? "cleanly"}`);
      },
      streamFault: (fault) => this.log.push(`stream fault ${fault.token}`),
    });
    this.connection.start();
  }

  /** Flushes if the connection asked for it, and returns what it wrote. */
  flush(): Buffer[] {
    if (this.transport.flushIsAsked || this.transport.lateFlushIsAsked) {
      this.transport.flushIsAsked = false;
      this.transport.lateFlushIsAsked = false;
      this.connection.flush();
    }
    return this.transport.take();
  }
}

/** Carries bytes between two ends until both are silent. */
export function exchange(a: End, b: End): void {
  for (;;) {
    const fromA = a.flush();
    const fromB = b.flush();
    if (fromA.length === 0 && fromB.length === 0) return;
    for (const bytes of fromA) b.connection.receive(bytes);
    for (const bytes of fromB) a.connection.receive(bytes);
  }
}
