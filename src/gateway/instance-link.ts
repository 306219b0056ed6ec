import { type Clock, sleep } from "../base/base.ts";
import type { DriverInstance, ExitReport } from "../drivers/driver.ts";
import type { HeaderList, Stream, StreamHandler } from "../h2/h2.ts";
import type { BusyMeter } from "../metering/metering.ts";
import { type Fault, fault, type InstanceId, type Revision } from "../model/model.ts";
import type { InstanceAnswer, InstanceQuestion, Link, LinkObserver } from "../scheduler/scheduler.ts";
import { Inquiries } from "./inquiries.ts";
import { InstanceConnection, type InstanceConnectionContext } from "./instance-connection.ts";
import { Proof } from "./proof.ts";
import { questionHead } from "./question-head.ts";
import type { ControlPath } from "./reply-dialect.ts";

/**
 * Waits between attempts to connect again while the process lives; then the instance counts as lost. A connection that
 * does not last is an attempt that failed.
 */
const RECONNECT_DELAYS_MS = [0, 5, 10, 20, 50, 100, 200, 500, 1000, 1000];

/** Time for which a connection has to take calls, or it answers one, so that the next one is opened without a wait. */
const LASTING_MS = 50;

/** Time that the exit of a process may come after the loss of its connection. */
const EXIT_AFTER_LOSS_MS = 200;

/** Wear of a connection at which a new one is opened beside it, and at which it takes no call until that stands. */
const RENEW_AT_WEAR = 1;
const RETIRE_AT_WEAR = 1.6;

/** What a link needs of an instance. */
export type LinkedInstance = Pick<DriverInstance, "id" | "exited" | "connect" | "ranOutOfMemory">;

/**
 * The gateway's end of one instance: one HTTP/2 connection that takes calls. After its GOAWAY, its loss while the
 * process lives, the end of its ids or many resets a new one is opened, and the old one finishes its calls
 * (invariant 2).
 */
export class InstanceLink implements Link {
  readonly meter: BusyMeter;
  /** Of calls, and of events. Always the same lists. */
  readonly #runtimeHeaders: HeaderList;
  readonly #eventHeaders: HeaderList;
  readonly #instance: LinkedInstance;
  readonly #revision: Revision;
  readonly #observer: LinkObserver;
  readonly #context: InstanceConnectionContext;
  readonly #clock: Clock;
  /** Takes calls. */
  #current: InstanceConnection | undefined;
  /** Opened, and takes calls (those of `#current`, where there is one) from its first SETTINGS on. */
  #next: InstanceConnection | undefined;
  #connecting = false;
  /** Connections opened in a row that did not last and answered no call. */
  #attempts = 0;
  /** When `#current` began to take calls. */
  #currentSince = 0;
  readonly #retiring = new Set<InstanceConnection>();
  #everReady = false;
  readonly #inquiries: Inquiries;
  /** Between `suspend` and `resume`. */
  #isSuspended = false;
  /** What `resume` waits for. */
  #proof: Proof | undefined;
  /** What the scheduler knows; undefined: no call may be sent. */
  #toldStreamsMax: number | undefined = undefined;
  #closed = false;
  #exitReport: ExitReport | undefined;
  /** Why its connection was given up, where that is known without the process. */
  #lossCause: Fault | undefined;

  constructor(options: {
    readonly instance: LinkedInstance;
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
    this.#eventHeaders = options.runtimeHeaders.map((each) => (each === "/http-invoke" ? "/invoke" : each));
    this.#inquiries = new Inquiries(options.context.wheel, this);
    void options.instance.exited.then((report) => {
      this.#exitReport = report;
      this.#giveUp("the instance has exited");
    });
    void this.#connect();
  }

  get instanceId(): InstanceId {
    return this.#instance.id;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /**
   * Sends a call's head, and the runtime's headers with it. The scheduler grants no slot while there is no connection
   * that takes calls.
   */
  request(
    head: HeaderList,
    endStream: boolean,
    handler: StreamHandler,
    controlPath: ControlPath = "/http-invoke",
  ): Stream {
    const current = this.#current;
    if (current === undefined) throw new Error("Cannot send a call to an instance without connection");
    if (!this.#inquiries.isEmpty && !current.canOpen) this.#inquiries.giveWay();
    const runtime = controlPath === "/invoke" ? this.#eventHeaders : this.#runtimeHeaders;
    const stream = current.open(head, runtime, endStream, handler);
    const { wear } = current;
    if (stream.id >= this.#context.instanceOptions.streamIdMax || wear >= RETIRE_AT_WEAR) {
      this.#replaceConnection(current);
    } else if (wear >= RENEW_AT_WEAR && !this.#connecting && this.#next === undefined) {
      void this.#connect();
    }
    return stream;
  }

  /** A call's stream has ended. */
  requestEnded(): void {
    if (this.#inquiries.holdsStream) this.#inquiries.putWaiting();
  }

  /** A call's response is complete: its connection was of use, however short it lasts. */
  answered(): void {
    this.#attempts = 0;
  }

  ask(question: InstanceQuestion): Promise<InstanceAnswer> {
    if (this.#isOver) return Promise.resolve({ kind: "failed", detail: "the instance is gone" });
    const isHook = question.kind === "http" && question.controlPath !== undefined;
    const head = questionHead(question, this.#revision.caPort, this.#runtimeHeaders);
    return this.#inquiries.ask(question, head, isHook ? this.meter : undefined);
  }

  suspend(): void {
    this.#isSuspended = true;
    this.#endProof(false);
  }

  resume(timeoutMs: number): Promise<boolean> {
    this.#isSuspended = false;
    this.#endProof(false);
    if (this.#isOver) return Promise.resolve(false);
    const proof = new Proof(this.#context.wheel, timeoutMs, () => this.#endProof(false));
    this.#proof = proof;
    if (this.#current !== undefined) this.#current.prove(this.nowMs());
    else void this.#connect();
    return proof.answer;
  }

  /** The instance is being stopped: its connections are closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp("the instance is being stopped");
    for (const connection of this.#connections()) connection.close();
  }

  /** To be called about every second: PING where engine.md asks for one. */
  tick(nowMs: number): void {
    // What was silent because it was frozen is not judged before it has answered.
    if (this.#isSuspended || this.#proof !== undefined) return;
    for (const connection of this.#connections()) connection.tick(nowMs);
  }

  /** Why calls lost their connection: waits a moment for the exit of the process, which says more. */
  async whyLost(): Promise<Fault> {
    if (this.#instance.ranOutOfMemory()) return this.#outOfMemory();
    const report = this.#exitReport ?? (await Promise.race([this.#instance.exited, this.#exitDelay()]));
    if (this.#lossCause !== undefined) return this.#lossCause;
    if (report === undefined) return fault("FunctionExited", "the function closed the connection with the call on it");
    if (report.outOfMemory) return this.#outOfMemory();
    const how = report.signal === undefined ? `exited with code ${report.code}` : `was killed by ${report.signal}`;
    return fault("FunctionExited", `the instance ${how} during the call`);
  }

  #outOfMemory(): Fault {
    return fault("FunctionOOM", `the instance used more than its memorySize of ${this.#revision.memoryMb} MB`);
  }

  // ---- events of its connections

  /** First SETTINGS came, or they changed. */
  connectionReady(connection: InstanceConnection): void {
    if (this.#closed) return;
    if (connection === this.#next) this.#switchTo(connection);
    if (connection !== this.#current) return;
    this.#everReady = true;
    this.#tell();
    this.#inquiries.putWaiting();
  }

  /** The instance answers after a thaw. */
  connectionProved(connection: InstanceConnection): void {
    if (connection === this.#current) this.#endProof(true);
  }

  /** The peer's GOAWAY: no new call on this connection. */
  connectionRetired(connection: InstanceConnection): void {
    if (connection === this.#current || connection === this.#next) this.#replaceConnection(connection);
  }

  /** `cause` is set where the instance broke HTTP/2 or does not answer. */
  connectionClosed(connection: InstanceConnection, cause: Fault | undefined): void {
    this.#retiring.delete(connection);
    if (!this.#forget(connection)) return;
    if (this.#isOver) return;
    // A next one that failed is opened again with a later call.
    if (this.#current !== undefined) return;
    // What a frozen instance did before it was frozen counts no more; `resume` opens a new connection.
    if (this.#isSuspended) return;
    if (cause !== undefined) {
      this.#lossCause = cause;
      this.#lose(cause);
      return;
    }
    if (!this.#everReady) {
      this.#lose(
        fault(
          "NotHttp2",
          `what listens on caPort ${this.#revision.caPort} closed the connection before it spoke HTTP/2`,
        ),
      );
      return;
    }
    this.#tell();
    void this.#connect();
  }

  // ---- its inquiries

  /** InquiriesHost: the connection that takes calls. */
  get current(): InstanceConnection | undefined {
    return this.#current;
  }

  /** InquiriesHost: the scheduler is told when it is done with what it is doing. */
  streamHeldChanged(): void {
    queueMicrotask(() => this.#tell());
  }

  get #isOver(): boolean {
    return this.#closed || this.#exitReport !== undefined;
  }

  /** Tells the scheduler what it does not know: how many streams there are for calls. */
  #tell(): void {
    if (this.#isOver || this.#isSuspended || this.#proof !== undefined) return;
    const streamsMax = this.#current?.streamsMax;
    const forCalls = this.#inquiries.holdsStream ? Math.max(0, (streamsMax ?? 0) - 1) : streamsMax;
    if (forCalls === this.#toldStreamsMax) return;
    this.#toldStreamsMax = forCalls;
    if (forCalls === undefined) this.#observer.unavailable();
    else this.#observer.ready(forCalls);
  }

  #lose(cause: Fault): void {
    this.#giveUp(cause.message);
    this.#observer.lost(cause);
  }

  /** Nobody answers any more. */
  #giveUp(detail: string): void {
    this.#inquiries.close(detail);
    this.#endProof(false);
  }

  #endProof(isProved: boolean): void {
    const proof = this.#proof;
    if (proof === undefined) return;
    this.#proof = undefined;
    // What has changed is told first: who waits for the proof sends calls then.
    this.#tell();
    proof.end(isProved);
  }

  /** Those that take calls, will, or finish theirs. */
  #connections(): InstanceConnection[] {
    return [this.#current, this.#next, ...this.#retiring].filter((connection) => connection !== undefined);
  }

  /** The connection takes calls no more, nor will. False: it did not. */
  #forget(connection: InstanceConnection): boolean {
    if (connection === this.#current) {
      this.#current = undefined;
      if (this.nowMs() - this.#currentSince >= LASTING_MS) this.#attempts = 0;
    } else if (connection === this.#next) this.#next = undefined;
    else return false;
    return true;
  }

  #switchTo(next: InstanceConnection): void {
    const before = this.#current;
    this.#next = undefined;
    this.#current = next;
    this.#currentSince = this.nowMs();
    if (before !== undefined) this.#retire(before);
    if (this.#isSuspended) return;
    // Its SETTINGS are a sign of life of now.
    this.#endProof(true);
  }

  #retire(connection: InstanceConnection): void {
    this.#retiring.add(connection);
    connection.retire();
  }

  #replaceConnection(connection: InstanceConnection): void {
    this.#forget(connection);
    this.#retire(connection);
    if (this.#isOver || this.#current !== undefined || this.#isSuspended) return;
    this.#tell();
    void this.#connect();
  }

  /** Does nothing where it is being done. */
  async #connect(): Promise<void> {
    if (this.#connecting || this.#next !== undefined) return;
    this.#connecting = true;
    const problem = await this.#tryConnect();
    this.#connecting = false;
    if (problem === undefined || this.#isOver || this.#isSuspended || this.#current !== undefined) return;
    this.#lose(fault("FunctionExited", `the connection to the instance cannot be opened again: ${problem}`));
  }

  /** Opens a connection; undefined where one stands or is of no use any more, else what the problem is. */
  async #tryConnect(): Promise<string | undefined> {
    let problem = "it ends each one at once";
    for (;;) {
      const delayMs = RECONNECT_DELAYS_MS[this.#attempts];
      if (delayMs === undefined) return problem;
      this.#attempts += 1;
      if (delayMs > 0) await sleep(this.#clock, delayMs);
      if (this.#isOver || this.#isSuspended) return undefined;
      try {
        const socket = await this.#instance.connect();
        if (this.#isOver) {
          socket.destroy();
          return undefined;
        }
        this.#next = new InstanceConnection(socket, this.#context, this);
        this.#next.start();
        return undefined;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    }
  }

  async #exitDelay(): Promise<undefined> {
    await sleep(this.#clock, EXIT_AFTER_LOSS_MS);
    return undefined;
  }
}
