import type { FunctionEntry, FunctionKey, FunctionStatus } from "../../../src/model/model.ts";
import { PoolModel } from "./pool-model.ts";
import type { SimCall } from "./sim-call.ts";
import type { Arrivals, Duration } from "./traffic.ts";

/** How a function, its program and its callers behave. */
export interface Behaviour {
  readonly arrivals: Arrivals;
  readonly durationMs: Duration;
  /** How long a caller waits for a slot before it goes away. */
  readonly patienceMs: Duration;
  readonly listenMs: Duration;
  readonly connectMs: Duration;
  /** Share of starts that go wrong, in one way or another. */
  readonly badStartShare: number;
  /** Mean time between crashes, and between losses of the connection, of one instance. */
  readonly crashMeanMs: number;
  readonly reconnectMeanMs: number;
  /** Share of calls that run into the function's timeout. */
  readonly timeoutShare: number;
}

/** One function, with what the checker knows of it. */
export class SimFunction {
  readonly key: FunctionKey;
  readonly behaviour: Behaviour;
  /** What was deployed last; undefined: it is not there. */
  entry: FunctionEntry | undefined;
  serving: PoolModel | undefined;
  next: PoolModel | undefined;
  /** Pools that end. */
  readonly retired = new Set<PoolModel>();
  /** Calls that wait, longest wait first; those before `firstWaiting`, and answered ones, are over. */
  waitingCalls: SimCall[] = [];
  firstWaiting = 0;
  waitingCount = 0;
  /** Its waiting calls want a first start; for each other function, the starts that it has had meanwhile. */
  overtakenBy: Map<SimFunction, number> | undefined;
  revisionCount = 0;
  /** Something of it has changed in this event. */
  isDirty = false;
  /** It was told to have another status since `status` was read. */
  statusIsOld = true;
  status: FunctionStatus | undefined;

  constructor(key: FunctionKey, behaviour: Behaviour) {
    this.key = key;
    this.behaviour = behaviour;
  }

  get instancesMax(): number {
    return this.entry?.maximumInstanceCount ?? Number.POSITIVE_INFINITY;
  }

  get pools(): PoolModel[] {
    return [this.serving, this.next, ...this.retired].filter((pool) => pool !== undefined);
  }

  /** The call that waits longest. */
  longestWaiting(): SimCall | undefined {
    for (;;) {
      const call = this.waitingCalls[this.firstWaiting];
      if (call === undefined || call.state === "waiting") return call;
      this.firstWaiting += 1;
      if (this.firstWaiting < 1000) continue;
      this.waitingCalls = this.waitingCalls.slice(this.firstWaiting);
      this.firstWaiting = 0;
    }
  }

  /** A deploy: where calls go now, and what is to follow. */
  deploy(entry: FunctionEntry): void {
    this.entry = entry;
    const { revision } = entry;
    if (this.serving?.revision.id === revision.id) {
      this.dropNext();
    } else if (this.next?.revision.id !== revision.id || this.next.failed) {
      this.dropNext();
      const pool = new PoolModel(revision, this);
      if (this.serving?.isAlive) this.next = pool;
      else this.switchTo(pool);
    }
  }

  /** What never worked, and now failed, is not kept beside a newer revision. */
  passOver(): void {
    const { serving, next } = this;
    if (serving !== undefined && next !== undefined && !serving.isAlive && !serving.hasWorked) this.switchTo(next);
  }

  switchTo(pool: PoolModel): void {
    const before = this.serving;
    this.next = undefined;
    this.serving = pool;
    if (before !== undefined) this.#retire(before);
  }

  dropNext(): void {
    const { next } = this;
    this.next = undefined;
    if (next !== undefined) this.#retire(next);
  }

  remove(): void {
    this.entry = undefined;
    this.dropNext();
    const { serving } = this;
    this.serving = undefined;
    if (serving !== undefined) this.#retire(serving);
  }

  #retire(pool: PoolModel): void {
    if (pool.instances.size > 0) this.retired.add(pool);
    for (const instance of pool.instances) instance.retire();
  }
}
