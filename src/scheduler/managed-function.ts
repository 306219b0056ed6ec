import { type Logger, Timer } from "../base/base.ts";
import type { ExitReport } from "../drivers/driver.ts";
import type { Fault, FunctionEntry, FunctionKey, FunctionStatus, Revision } from "../model/model.ts";
import { CallQueue } from "./call-queue.ts";
import { functionStatus } from "./function-status.ts";
import type { Instance, InstanceContext } from "./instance.ts";
import type { Link } from "./link.ts";
import { NewerRevision } from "./newer-revision.ts";
import { Pool, type PoolObserver } from "./pool.ts";
import { allUnhealthy, functionBlocked, functionGone, noMemory, queueFull, waitOver } from "./refusals.ts";
import { decideStarts, type ScaleDecision } from "./scale-decision.ts";
import type { StartAttempt, StartCandidate } from "./start-turns.ts";
import type { Waiter } from "./waiter.ts";

/** What the wait in the queue may exceed the limit of a start by: a start that fails there is the one to say so. */
const AFTER_START_LIMIT_MS = 1000;

/** What functions of one scheduler share. */
export interface FunctionContext<L extends Link> extends InstanceContext<L> {
  readonly logger: Logger;
  statusChanged(key: FunctionKey): void;
  instanceExited(instance: Instance<L>, report: ExitReport, expected: boolean): void;
  startFailed(revision: Revision, cause: Fault, stderrTail: string): void;
  remark(key: FunctionKey, words: string): void;
  /** It was removed, and its last instance is gone. */
  functionEnded(ended: ManagedFunction<L>): void;
}

/**
 * One function: the pool of the revision that serves, that of a newer one until it is ready, those of older ones until
 * their last calls end, and the queue of calls that wait. A waiting call belongs to the function (late binding):
 * whatever slot is free first serves the call that waited longest.
 *
 * Its timer looks at the queue again: when the first call's wait is over, or starts may be tried again.
 */
export class ManagedFunction<L extends Link> extends Timer implements PoolObserver<L>, StartCandidate {
  readonly key: FunctionKey;
  readonly #context: FunctionContext<L>;
  readonly #queue: CallQueue<L>;
  /** Pools that take no new calls, until their last instance is gone. */
  readonly #retired = new Set<Pool<L>>();
  #serving: Pool<L>;
  #next: NewerRevision<L> | undefined;
  #instancesMax: number | undefined;
  /** When a call could last hope for a start that was under way. */
  #hopedAt = Number.NEGATIVE_INFINITY;
  #removed = false;
  #pumping = false;

  constructor(entry: FunctionEntry, context: FunctionContext<L>) {
    super();
    this.key = entry.function;
    this.#context = context;
    this.#queue = new CallQueue(context.logger);
    this.#serving = new Pool(entry.revision, context, this);
    this.#instancesMax = entry.maximumInstanceCount;
  }

  get hasInstances(): boolean {
    return this.#pools().some((pool) => pool.instances.size > 0);
  }

  /** A deploy, a redeploy, or another limit. */
  put(entry: FunctionEntry): void {
    this.#instancesMax = entry.maximumInstanceCount;
    const wanted = entry.revision.id;
    if (this.#serving.revision.id === wanted) {
      this.#dropNext();
    } else if (this.#next?.pool.revision.id !== wanted || this.#next.failure !== undefined) {
      this.#dropNext();
      const pool = new Pool(entry.revision, this.#context, this);
      if (this.#serving.isAlive) this.#next = new NewerRevision(pool);
      else this.#switchTo(pool);
    }
    this.#context.statusChanged(this.key);
    if (this.#isBlocked) this.refuseAll(functionBlocked(this.key));
    // What was refused room or was at a limit before may be neither now.
    this.#context.turns.forget(this);
    if (this.#next?.isComing) this.#context.turns.want(this);
    this.#pump();
  }

  /** The function is gone: waiting calls are refused, open ones end. */
  remove(): void {
    this.#removed = true;
    this.#context.turns.forget(this);
    this.#dropNext();
    this.#retire(this.#serving);
    this.refuseAll(functionGone(this.key));
    this.#endIfEmpty();
  }

  admit(waiter: Waiter<L>): void {
    const mayTake = this.#queue.length === 0 && !this.#isBlocked;
    const instance = mayTake ? this.#serving.take() : undefined;
    if (instance !== undefined) {
      if (this.#serving.isAboveSoftConcurrency) this.#scale();
      this.#queue.grant(waiter, instance);
      return;
    }
    if (this.#isBlocked) {
      waiter.refused(functionBlocked(this.key));
    } else if (this.#queue.length >= this.#context.limits.queueCallsMax) {
      waiter.refused(queueFull(this.key, this.#context.limits));
    } else {
      this.#queue.push(waiter, this.#context.nowMs());
      this.#scale();
    }
  }

  abandon(waiter: Waiter<L>): void {
    this.#queue.remove(waiter);
  }

  refuseAll(cause: Fault): void {
    this.#queue.refuseAll(cause);
    this.#context.wheel.disarm(this);
  }

  status(): FunctionStatus {
    const next = this.#next;
    return functionStatus({
      key: this.key,
      serving: this.#removed ? undefined : this.#serving,
      next,
      nextWaitsForRoom: next?.pool.isAlive === false && this.#context.turns.isWaitingForRoom(this),
      pools: this.#pools(),
    });
  }

  // ---- starts

  /** StartCandidate: the newer revision first, then what the queue needs. */
  tryStart(): StartAttempt {
    const next = this.#next?.tryStart(this.#context.room) ?? "enough";
    const attempt = next === "started" ? next : this.#tryStartServing();
    if (attempt === "started") this.#context.statusChanged(this.key);
    else this.#review();
    return attempt === "enough" ? next : attempt;
  }

  #tryStartServing(): StartAttempt {
    const { start, limitedBy } = this.#decide();
    if (start > 0) {
      this.#serving.start();
      return "started";
    }
    if (limitedBy !== "account" && limitedBy !== "host") return "enough";
    if (this.#queue.length > 0) this.#context.room.reclaim(this.#serving.revision.memoryMb);
    return "noRoom";
  }

  #decide(): ScaleDecision {
    const { room } = this.#context;
    const serving = this.#serving;
    return decideStarts({
      waitingCalls: this.#queue.length,
      comingInstances: serving.comingCount,
      asleepInstances: serving.asleepCount,
      instances: serving.startingCount + serving.servingCount,
      callsPerInstance: serving.callsPerInstance,
      aboveSoftConcurrency: serving.isAboveSoftConcurrency,
      backOff: serving.backOff.stateAt(this.#context.nowMs()),
      functionInstancesMax: this.#instancesMax,
      accountInstancesLeft: room.instancesLeft,
      hostMemoryLeftMb: room.memoryLeftMb,
      memoryMb: serving.revision.memoryMb,
    });
  }

  // ---- the queue

  /** The wait of some may be over, or a start may be tried again. */
  override fire(nowMs: number): void {
    const since = this.#queue.firstWaitsSince;
    if (since !== undefined && this.#waitEndsAt(since) <= nowMs) {
      // All that have waited as long as the first one, whichever limit holds.
      const waitMs = this.#isHopeful ? this.#startWaitMs : this.#context.limits.queueWaitAtLimitMs;
      this.#queue.refuseUpTo(nowMs - waitMs, this.#waitOver(nowMs, nowMs - since));
    }
    if (this.#queue.length > 0) this.#scale();
  }

  /** Gives free slots to waiting calls, longest wait first, and has started what is missing. */
  #pump(): void {
    // What a granted call does may come back here; the loop that runs goes on with it.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#queue.length > 0) {
        const instance = this.#serving.take();
        if (instance === undefined) break;
        this.#queue.grantFirst(instance);
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#queue.length > 0 || this.#serving.isAboveSoftConcurrency) this.#scale();
  }

  /** Has woken what the queue needs, and started as turns and room come. */
  #scale(): void {
    if (this.#removed) return;
    this.#serving.wake(this.#decide().wake);
    this.#context.turns.want(this);
    this.#review();
  }

  /** After what can be started was: who need not wait? When to look again? `failure`: what has just gone wrong. */
  #review(failure?: Fault): void {
    const nowMs = this.#context.nowMs();
    if (this.#isHopeful) this.#hopedAt = nowMs;
    else if (this.#serving.servingCount === 0) this.#refuseHopeless(nowMs, failure);
    this.#armTimer(nowMs);
  }

  #armTimer(nowMs: number): void {
    const { wheel } = this.#context;
    const since = this.#queue.firstWaitsSince;
    if (since === undefined) {
      wheel.disarm(this);
      return;
    }
    const { endsAt } = this.#serving.backOff;
    const waitEndsAt = this.#waitEndsAt(since);
    const lookAt = endsAt > nowMs ? Math.min(endsAt, waitEndsAt) : waitEndsAt;
    if (!this.armed || this.dueAt !== lookAt) wheel.arm(this, lookAt - nowMs);
  }

  /** Something is under way that will serve waiting calls. */
  get #isHopeful(): boolean {
    if (this.#serving.comingCount > 0 || this.#context.turns.isWaitingForTurn(this)) return true;
    return this.#next?.isStarting === true;
  }

  /** Nothing runs and nothing starts: answers at once where waiting would not help. */
  #refuseHopeless(nowMs: number, failure: Fault | undefined): void {
    const pause = this.#serving.backOff.refusal(nowMs);
    const { memoryMb } = this.#serving.revision;
    if (pause !== undefined) this.#queue.refuseAll(failure ?? pause);
    else if (!this.#context.room.hasMemorySoon(memoryMb)) {
      this.#queue.refuseAll(noMemory(memoryMb, this.#context.limits));
    }
  }

  get #startWaitMs(): number {
    return this.#context.limits.startLimitMs + AFTER_START_LIMIT_MS;
  }

  /** When the wait of a call is over that is queued since `since`, as things stand. */
  #waitEndsAt(since: number): number {
    if (this.#isHopeful) return since + this.#startWaitMs;
    return Math.max(since, this.#hopedAt) + this.#context.limits.queueWaitAtLimitMs;
  }

  #waitOver(nowMs: number, waitedMs: number): Fault {
    const serving = this.#serving;
    const { instanceConcurrency, memoryMb } = serving.revision;
    const { limitedBy } = this.#decide();
    const pause = serving.backOff.refusal(nowMs);
    if (pause !== undefined) return pause;
    if (serving.isUnhealthy) return allUnhealthy(serving.servingCount);
    const seen = { limitedBy, instances: serving.servingCount, instanceConcurrency, memoryMb };
    return waitOver(waitedMs, seen, this.#context.limits);
  }

  // ---- its pools

  poolReady(pool: Pool<L>): void {
    if (this.#next?.pool === pool) this.#switchTo(pool);
    this.#hopedAt = this.#context.nowMs();
    this.#pump();
    this.#context.statusChanged(this.key);
  }

  poolChanged(pool: Pool<L>): void {
    if (pool === this.#serving) this.#pump();
  }

  poolStartFailed(pool: Pool<L>, cause: Fault): void {
    this.#context.startFailed(pool.revision, cause, pool.lastFailure?.stderrTail ?? "");
    if (this.#next?.pool === pool) this.#next.failure = cause;
    this.#hopedAt = this.#context.nowMs();
    this.#review(pool === this.#serving ? cause : undefined);
    if (this.#queue.length > 0) this.#scale();
    this.#context.statusChanged(this.key);
  }

  poolInstanceExited(pool: Pool<L>, instance: Instance<L>, report: ExitReport, expected: boolean): void {
    if (pool.instances.size === 0) this.#retired.delete(pool);
    this.#context.instanceExited(instance, report, expected);
    this.#context.statusChanged(this.key);
    this.#endIfEmpty();
  }

  poolRemark(_pool: Pool<L>, words: string): void {
    this.#context.remark(this.key, words);
  }

  /** maximumInstanceCount 0 switches a function off: new calls are refused, open ones end. */
  get #isBlocked(): boolean {
    return this.#instancesMax === 0;
  }

  #pools(): Pool<L>[] {
    return [...new Set([this.#serving, ...(this.#next ? [this.#next.pool] : []), ...this.#retired])];
  }

  #switchTo(pool: Pool<L>): void {
    const before = this.#serving;
    this.#next = undefined;
    this.#serving = pool;
    this.#context.turns.forget(this);
    this.#retire(before);
  }

  /** A newer revision that was being started is given up: its start is reaped. */
  #dropNext(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#retire(next.pool);
  }

  #retire(pool: Pool<L>): void {
    if (pool.instances.size > 0) this.#retired.add(pool);
    pool.retire();
  }

  #endIfEmpty(): void {
    if (this.#removed && !this.hasInstances) this.#context.functionEnded(this);
  }
}
