import { Timer, type TimerWheel } from "../../base/base.ts";
import type { DriverInstance } from "../../drivers/driver.ts";
import type { SchedulerLimits } from "../limits.ts";
import type { Link } from "../link.ts";

/** From thaw to the proof of the connection; then the instance counts as lost. */
const WAKE_LIMIT_MS = 5_000;

/** What forbids a freeze for the moment (a health check that is on its way) is looked at again after this. */
const FREEZE_LATER_MS = 100;

/** What an instance without calls tells, and is told. */
export interface Sleeper {
  /** Whether it may be frozen, and stopped, when it has been idle for long enough. */
  readonly mayFreeze: boolean;
  readonly mayStop: boolean;
  /** Something is on its way that a freeze would break off. */
  readonly isAsking: boolean;
  /** Asks for /pre-freeze where that is wanted; calls may come meanwhile. */
  beforeFreeze(): Promise<void>;
  /** `Rest.state` is another. */
  restChanged(): void;
  /** It has been idle for so long that it should be stopped. */
  idledOut(): void;
  /** It does not run any more, or its connection does not. */
  lostAsleep(problem: string): void;
  remark(words: string): void;
}

/**
 * The idle times of one instance that serves:
 *
 *     awake ──idle──▶ freezing ──▶ frozen
 *       ▲                │            │
 *       └──── waking ◀───┴── a call ──┘
 *
 * A call takes it back to `awake` from anywhere; from `waking` on it has to prove its connection before one is sent.
 * Nothing is asked of a frozen instance. Its timer is the next limit of idleness, or that of waking.
 */
export class Rest extends Timer {
  state: "awake" | "freezing" | "frozen" | "waking" = "awake";
  /** Monotonic milliseconds; undefined while it has calls, or its first ones may be coming. */
  idleSince: number | undefined;
  readonly #instance: DriverInstance;
  readonly #link: Link;
  readonly #wheel: TimerWheel;
  readonly #limits: SchedulerLimits;
  readonly #sleeper: Sleeper;
  /** Counts how often it became idle: tells one idleness from the next. */
  #round = 0;
  #canFreeze: boolean;
  #isOver = false;

  constructor(options: {
    readonly instance: DriverInstance;
    readonly link: Link;
    readonly wheel: TimerWheel;
    readonly limits: SchedulerLimits;
    readonly sleeper: Sleeper;
  }) {
    super();
    this.#instance = options.instance;
    this.#link = options.link;
    this.#wheel = options.wheel;
    this.#limits = options.limits;
    this.#sleeper = options.sleeper;
    this.#canFreeze = options.instance.canFreeze;
  }

  /** It has no call any more. One that comes only has to take `idleSince` away. */
  begin(nowMs: number): void {
    this.idleSince = nowMs;
    this.#round += 1;
    // A timer that is armed looks at idleSince when it fires: calls that come and go arm nothing.
    if (!this.armed) this.#wheel.arm(this, this.#firstLimitMs);
  }

  /** Its end has begun: nothing is frozen or woken any more. */
  end(): void {
    this.#isOver = true;
    this.#wheel.disarm(this);
  }

  /** Has an instance that is asleep take calls again; `restChanged` tells when it does. */
  wake(): void {
    if (this.state !== "freezing" && this.state !== "frozen") return;
    this.#wheel.arm(this, WAKE_LIMIT_MS);
    this.#become("waking");
    void this.#wakeUp();
  }

  /** Has it run and proves its connection. Undefined: that worked; else what the problem is. */
  async thaw(): Promise<string | undefined> {
    try {
      await this.#instance.thaw();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return (await this.#link.resume(WAKE_LIMIT_MS)) ? undefined : "its connection is not answered";
  }

  override fire(nowMs: number): void {
    if (this.state === "waking") this.#sleeper.lostAsleep(`it takes longer than ${WAKE_LIMIT_MS / 1000} s`);
    else if (this.idleSince !== undefined) this.#lookAtIdleness(nowMs - this.idleSince);
  }

  get #mayFreeze(): boolean {
    return this.#canFreeze && this.state === "awake" && this.#sleeper.mayFreeze;
  }

  get #firstLimitMs(): number {
    return Math.min(this.#limits.idleFreezeMs, this.#limits.idleStopMs);
  }

  #lookAtIdleness(idleMs: number): void {
    const { idleFreezeMs, idleStopMs } = this.#limits;
    if (idleMs >= idleStopMs && this.#sleeper.mayStop) {
      this.#sleeper.idledOut();
      return;
    }
    if (idleMs < this.#firstLimitMs) this.#wheel.arm(this, this.#firstLimitMs - idleMs);
    else if (idleMs >= idleFreezeMs && this.#mayFreeze && this.#sleeper.isAsking) {
      this.#wheel.arm(this, FREEZE_LATER_MS);
    } else {
      // One that may not be stopped may later, and one that may not be frozen as well.
      this.#wheel.arm(this, idleMs < idleStopMs ? idleStopMs - idleMs : idleStopMs);
      if (idleMs >= idleFreezeMs && this.#mayFreeze) void this.#fallAsleep(this.#round);
    }
  }

  async #fallAsleep(round: number): Promise<void> {
    await this.#sleeper.beforeFreeze();
    if (this.#isOver || this.idleSince === undefined || this.#round !== round || !this.#mayFreeze) return;
    this.#link.suspend();
    this.#become("freezing");
    // Who was told may have woken it at once.
    if (this.#isOver || this.state !== "freezing") return;
    try {
      await this.#instance.freeze();
      if (!this.#isOver && this.state === "freezing") this.#become("frozen");
    } catch (error) {
      // Where it was woken or stopped meanwhile, that goes its own way.
      if (this.#isOver || this.state !== "freezing") return;
      this.#canFreeze = false;
      this.#sleeper.remark(`the instance cannot be frozen: ${error instanceof Error ? error.message : error}`);
      this.wake();
    }
  }

  async #wakeUp(): Promise<void> {
    const problem = await this.thaw();
    if (this.#isOver || this.state !== "waking") return;
    this.#wheel.disarm(this);
    if (problem === undefined) this.#become("awake");
    else this.#sleeper.lostAsleep(problem);
  }

  #become(state: Rest["state"]): void {
    this.state = state;
    this.#sleeper.restChanged();
  }
}
