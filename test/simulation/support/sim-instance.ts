import { Duplex } from "node:stream";
import { SimulatedEvent } from "../../../src/base/testing/event-queue.ts";
import { type DriverInstance, type ExitReport, StartError, type StartSpec } from "../../../src/drivers/driver.ts";
import type { ErrorType, InstanceId } from "../../../src/model/model.ts";
import type { InstanceAnswer, Link, LinkObserver } from "../../../src/scheduler/scheduler.ts";
import type { PoolModel } from "./pool-model.ts";
import type { SimCall } from "./sim-call.ts";

/** What happens to an instance next, by itself. */
export type Fate =
  | "listen"
  | "failStart"
  | "reportLate"
  | "connect"
  | "refuseHttp2"
  | "exit"
  | "exitUnheard"
  | "hang"
  | "loseConnection";

/** What the scheduler does to an instance; and what happens to it. The world plays it. */
export interface InstanceWorld {
  fateDue(instance: SimInstance): void;
  connectionDue(instance: SimInstance): void;
  stopped(instance: SimInstance, graceMs: number): void;
  destroyed(instance: SimInstance): void;
  linkClosed(link: SimLink): void;
  freezes(instance: SimInstance): Promise<void>;
  thaws(instance: SimInstance): Promise<void>;
  suspended(link: SimLink): void;
  resumes(link: SimLink, timeoutMs: number): Promise<boolean>;
  asked(link: SimLink): Promise<InstanceAnswer>;
}

class Due extends SimulatedEvent {
  readonly #act: () => void;

  constructor(act: () => void) {
    super();
    this.#act = act;
  }

  override happen(): void {
    this.#act();
  }
}

/**
 * An instance as the driver shows it, and as the checker sees it: `starting` until its connection stands, `serving`,
 * `retired` (no new calls: drained, stopped, failed, lost, exited).
 */
export class SimInstance implements DriverInstance {
  readonly id: InstanceId;
  readonly spec: StartSpec;
  readonly pool: PoolModel;
  readonly number: number;
  readonly begunAt: number;
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  phase: "starting" | "serving" | "retired" = "starting";
  readonly calls = new Set<SimCall>();
  /** Calls that the other end of the connection allows now; 0 while there is none. */
  allowed = 0;
  /** Its share in the pool's freeSlots. */
  free = 0;
  /** Whether the pool counts it among those that take calls soon. */
  isSoon = false;
  rest: "awake" | "asleep" | "waking" = "awake";
  /** Since when it is waking up; NaN: it is not. */
  wakesSince = Number.NaN;
  isFrozen = false;
  readonly usage = undefined;
  readonly canFreeze = true;
  readonly ranOutOfMemory = () => false;
  link: SimLink | undefined;
  /** Since when it serves without a call; NaN: it has some, or does not serve. */
  idleSince = Number.NaN;
  /** SIGTERM or SIGKILL was sent. */
  isStopping = false;
  /** Nothing of it runs any more. */
  isGone = false;
  /** Its start has gone wrong, so that the scheduler has to give it up. */
  hasFailed = false;
  fate: Fate = "listen";
  /** What its start comes to, after it listens. */
  afterListening: Fate = "connect";
  readonly fateEvent: SimulatedEvent;
  readonly connectionEvent: SimulatedEvent;
  readonly #world: InstanceWorld;
  #listen: () => void = () => {};
  #fail: (error: StartError) => void = () => {};
  #exit: (report: ExitReport) => void = () => {};

  constructor(spec: StartSpec, pool: PoolModel, number: number, begunAt: number, world: InstanceWorld) {
    this.id = spec.instanceId;
    this.spec = spec;
    this.pool = pool;
    this.number = number;
    this.begunAt = begunAt;
    this.#world = world;
    this.fateEvent = new Due(() => world.fateDue(this));
    this.connectionEvent = new Due(() => world.connectionDue(this));
    this.listening = new Promise((resolve, reject) => {
      this.#listen = resolve;
      this.#fail = reject;
    });
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  // ---- the driver's contract

  connect(): Promise<Duplex> {
    return Promise.resolve(new Duplex());
  }

  stop(graceMs: number): void {
    this.#world.stopped(this, graceMs);
  }

  destroy(): void {
    this.#world.destroyed(this);
  }

  ready(): void {}

  freeze(): Promise<void> {
    return this.#world.freezes(this);
  }

  thaw(): Promise<void> {
    return this.#world.thaws(this);
  }

  // ---- what the world does with it

  tellListening(): void {
    this.#listen();
  }

  tellStartFailed(errorType: ErrorType, message: string): void {
    this.#fail(new StartError(errorType, message, "the last words of a program"));
  }

  tellExited(report: Partial<ExitReport>): void {
    this.#fail(new StartError("CAExited", "exited before it listened", ""));
    this.#exit({ code: 0, signal: undefined, outOfMemory: false, stderrTail: "", ...report });
  }

  // ---- what the checker counts

  /** Its connection stands for the first time. */
  serve(streamsMax: number, nowMs: number): void {
    const { pool } = this;
    pool.starting -= 1;
    pool.serving += 1;
    this.phase = "serving";
    this.allowed = streamsMax;
    this.idleSince = nowMs;
    pool.callsPerInstance = this.slots;
    this.countFree();
  }

  /** It sleeps from the moment its link is told to, and takes calls when the link has proved its connection. */
  sleep(rest: SimInstance["rest"], nowMs: number): void {
    this.rest = rest;
    this.wakesSince = rest === "waking" ? nowMs : Number.NaN;
    this.countFree();
  }

  /** It takes no new calls from now on. */
  retire(): void {
    const { pool } = this;
    if (this.phase === "starting") pool.starting -= 1;
    else if (this.phase === "serving") {
      pool.serving -= 1;
    } else return;
    this.phase = "retired";
    this.idleSince = Number.NaN;
    this.countFree();
  }

  /** Its connection allows `streamsMax` calls from now on; 0: it takes none for a moment. */
  allow(streamsMax: number): void {
    this.allowed = streamsMax;
    this.countFree();
  }

  get slots(): number {
    return Math.min(this.pool.revision.instanceConcurrency, this.allowed);
  }

  /** Slots that a call could take. */
  get freeNow(): number {
    return this.phase === "serving" && this.rest === "awake" ? Math.max(0, this.slots - this.calls.size) : 0;
  }

  /** To be called when its calls, its slots or its phase have changed. */
  countFree(): void {
    const free = this.freeNow;
    this.pool.freeSlots += free - this.free;
    this.free = free;
    const isSoon =
      this.phase === "serving" && (this.rest === "waking" || (this.rest === "awake" && this.allowed === 0));
    this.pool.soon += Number(isSoon) - Number(this.isSoon);
    this.isSoon = isSoon;
  }

  toString(): string {
    return `${this.pool.fn.key} i${this.number}`;
  }
}

/** The connection to an instance. */
export class SimLink implements Link {
  readonly instance: SimInstance;
  readonly observer: LinkObserver;
  closed = false;
  readonly #world: InstanceWorld;

  constructor(instance: SimInstance, observer: LinkObserver, world: InstanceWorld) {
    this.instance = instance;
    this.observer = observer;
    this.#world = world;
  }

  ask(): Promise<InstanceAnswer> {
    return this.#world.asked(this);
  }

  suspend(): void {
    this.#world.suspended(this);
  }

  resume(timeoutMs: number): Promise<boolean> {
    return this.#world.resumes(this, timeoutMs);
  }

  close(): void {
    this.#world.linkClosed(this);
  }
}
