import { type Clock, sleep } from "../base/base.ts";
import type { DriverInstance, ExitReport } from "../drivers/driver.ts";
import type { HeaderList, Stream, StreamHandler } from "../h2/h2.ts";
import type { BusyMeter } from "../metering/metering.ts";
import { type Fault, fault, type InstanceId, type Revision } from "../model/model.ts";
import type { Link, LinkObserver } from "../scheduler/scheduler.ts";
import { forEachConnection, InstanceConnection, type InstanceConnectionContext } from "./instance-connection.ts";

/** Waits between attempts to connect again while the process lives; then the instance counts as lost. */
const RECONNECT_DELAYS_MS = [0, 5, 10, 20, 50, 100, 200, 500, 1000, 1000];

/** Time that the exit of a process may come after the loss of its connection. */
const EXIT_AFTER_LOSS_MS = 200;

/**
 * The gateway's end of one instance: one HTTP/2 connection that takes calls. After its GOAWAY, its loss while the
 * process lives or the end of its ids a new one is opened, and the old one finishes its calls (invariant 2).
 */
export class InstanceLink implements Link {
  readonly meter: BusyMeter;
  readonly #runtimeHeaders: HeaderList;
  readonly #instance: DriverInstance;
  readonly #revision: Revision;
  readonly #observer: LinkObserver;
  readonly #context: InstanceConnectionContext;
  readonly #clock: Clock;
  #current: InstanceConnection | undefined;
  readonly #retiring = new Set<InstanceConnection>();
  #everReady = false;
  #closed = false;
  #exitReport: ExitReport | undefined;
  /** Why its connection was given up, where that is known without the process. */
  #lossCause: Fault | undefined;

  constructor(options: {
    readonly instance: DriverInstance;
    readonly revision: Revision;
    readonly observer: LinkObserver;
    readonly context: InstanceConnectionContext;
    readonly clock: Clock;
    readonly meter: BusyMeter;
    readonly runtimeHeaders: HeaderList;
  }) {
    this.#instance = options.instance;
    this.#revision = options.revision;
    this.#observer = options.observer;
    this.#context = options.context;
    this.#clock = options.clock;
    this.meter = options.meter;
    this.#runtimeHeaders = options.runtimeHeaders;
    void options.instance.exited.then((report) => {
      this.#exitReport = report;
    });
    void this.#connect();
  }

  get instanceId(): InstanceId {
    return this.#instance.id;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Sends a call's head, and the runtime's headers with it. The scheduler grants no slot while there is no connection that takes calls. */
  request(head: HeaderList, endStream: boolean, handler: StreamHandler): Stream {
    const current = this.#current;
    if (current === undefined) throw new Error("Cannot send a call to an instance without connection");
    const stream = current.open(head, this.#runtimeHeaders, endStream, handler);
    if (stream.id >= this.#context.instanceOptions.streamIdMax) this.#replaceConnection(current);
    return stream;
  }

  /** The instance is being stopped: its connections are closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    forEachConnection(this.#current, this.#retiring, (connection) => connection.close());
  }

  /** To be called about every second: PING where engine.md asks for one. */
  tick(nowMs: number): void {
    forEachConnection(this.#current, this.#retiring, (connection) => connection.tick(nowMs));
  }

  /** Why calls lost their connection: waits a moment for the exit of the process, which says more. */
  async whyLost(): Promise<Fault> {
    const report = this.#exitReport ?? (await Promise.race([this.#instance.exited, this.#exitDelay()]));
    if (this.#lossCause !== undefined) return this.#lossCause;
    if (report === undefined) return fault("FunctionExited", "the function closed the connection with the call on it");
    if (report.outOfMemory) {
      return fault("FunctionOOM", `the instance used more than its memorySize of ${this.#revision.memoryMb} MB`);
    }
    const how = report.signal === undefined ? `exited with code ${report.code}` : `was killed by ${report.signal}`;
    return fault("FunctionExited", `the instance ${how} during the call`);
  }

  // ---- events of its connections

  /** First SETTINGS came, or they changed. */
  connectionReady(connection: InstanceConnection): void {
    if (connection !== this.#current || this.#closed) return;
    this.#everReady = true;
    this.#observer.ready(connection.streamsMax);
  }

  /** The peer's GOAWAY: no new call on this connection. */
  connectionRetired(connection: InstanceConnection): void {
    if (connection === this.#current) this.#replaceConnection(connection);
  }

  /** `cause` is set where the instance broke HTTP/2 or does not answer. */
  connectionClosed(connection: InstanceConnection, cause: Fault | undefined): void {
    this.#retiring.delete(connection);
    if (connection !== this.#current) return;
    this.#current = undefined;
    if (this.#closed || this.#exitReport !== undefined) return;
    if (cause !== undefined) {
      this.#lossCause = cause;
      this.#observer.lost(cause);
      return;
    }
    if (!this.#everReady) {
      this.#observer.lost(
        fault(
          "NotHttp2",
          `what listens on caPort ${this.#revision.caPort} closed the connection before it spoke HTTP/2`,
        ),
      );
      return;
    }
    this.#observer.unavailable();
    void this.#connect();
  }

  #replaceConnection(connection: InstanceConnection): void {
    this.#retiring.add(connection);
    this.#current = undefined;
    connection.retire();
    if (this.#closed) return;
    this.#observer.unavailable();
    void this.#connect();
  }

  async #connect(): Promise<void> {
    let problem = "";
    for (const delayMs of RECONNECT_DELAYS_MS) {
      if (delayMs > 0) await sleep(this.#clock, delayMs);
      if (this.#closed || this.#exitReport !== undefined) return;
      try {
        const socket = await this.#instance.connect();
        if (this.#closed || this.#exitReport !== undefined) {
          socket.destroy();
          return;
        }
        this.#current = new InstanceConnection(socket, this.#context, this);
        this.#current.start();
        return;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    }
    if (this.#closed || this.#exitReport !== undefined) return;
    this.#observer.lost(fault("FunctionExited", `the connection to the instance cannot be opened again: ${problem}`));
  }

  async #exitDelay(): Promise<undefined> {
    await sleep(this.#clock, EXIT_AFTER_LOSS_MS);
    return undefined;
  }
}
