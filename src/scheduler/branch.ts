import { type Logger, Timer } from "../base/base.ts";
import type { ExitReport } from "../drivers/driver.ts";
import type { Fault, FunctionKey, Revision, RevisionId } from "../model/model.ts";
import { type BranchStatus, nextStatus } from "./function-status.ts";
import type { Instance, InstanceContext } from "./life/instance.ts";
import type { Link } from "./link.ts";
import { NewerRevision } from "./newer-revision.ts";
import { Pool, type PoolObserver } from "./pool.ts";
import { allUnhealthy, functionBlocked, limitReached, noMemory, queueFull, waitOver } from "./refusals.ts";
import type { GrowthBudget } from "./scaling/growth-budget.ts";
import type { ProvisionedUse } from "./scaling/provisioning.ts";
import { decideStarts, type ScaleDecision } from "./scaling/scale-decision.ts";
import type { StartAttempt, StartCandidate } from "./scaling/start-turns.ts";
import { CallQueue } from "./slots/call-queue.ts";
import type { Waiter } from "./waiter.ts";

/** What the wait in the queue may exceed the limit of a start by: a start that fails there is the one to say so. */
const AFTER_START_LIMIT_MS = 1000;

/** What functions of one scheduler share. */
export interface BranchContext<L extends Link> extends InstanceContext<L> {
  readonly logger: Logger;
  readonly growth: GrowthBudget;
  instanceExited(instance: Instance<L>, report: ExitReport, expected: boolean): void;
  startFailed(revision: Revision, cause: Fault, stderrTail: string): void;
  remark(key: FunctionKey, words: string): void;
}

/** What a branch asks of the function that it belongs to, and tells it. */
export interface BranchOwner {
  readonly key: FunctionKey;
  /** maximumInstanceCount; undefined: only the shared limits. 0 blocks the function. */
  readonly instancesMax: number | undefined;
  /** Instances of all branches that take calls or will: those that finish their last calls do not count. */
  readonly instanceCount: number;
  /** Calls of all branches that wait. */
  readonly waitingCount: number;
  branchChanged(): void;
}

/**
 * One line of revisions of a function, each of which takes over from the one before: the pool of the revision that
 * serves, that of a newer one until it is ready, those of older ones until their last calls end, and the queue of calls
 * that wait. A waiting call belongs to the branch (late binding): whatever slot is free first serves the call that
 * waited longest.
 *
 * Its timer looks at the queue again: when the first call's wait is over, or starts may be tried again.
 */
export class Branch<L extends Link> extends Timer implements PoolObserver<L>, StartCandidate {
  readonly #owner: BranchOwner;
  readonly #context: BranchContext<L>;
  readonly #queue: CallQueue<L>;
  /** Pools that take no new calls, until their last instance is gone. */
  readonly #retired = new Set<Pool<L>>();
  #serving: Pool<L>;
  #next: NewerRevision<L> | undefined;
  /** When a call could last hope for a start that was under way. */
  #hopedAt = Number.NEGATIVE_INFINITY;
  #provisionTarget = 0;
  #keepsCpu = true;
  #removed = false;
  #pumping = false;

  /**
   * `waits`: others take its calls until an instance of it is ready, which it has started now; where that fails, they
   * go on. Else its first call starts one.
   */
  constructor(revision: Revision, waits: boolean, owner: BranchOwner, context: BranchContext<L>) {
    super();
    this.#owner = owner;
    this.#context = context;
    this.#queue = new CallQueue(context.logger);
    this.#serving = new Pool(revision, context, this);
    if (!waits) return;
    this.#next = new NewerRevision(this.#serving);
    context.turns.want(this);
  }

  get hasInstances(): boolean {
    return this.#pools().some((pool) => pool.instances.size > 0);
  }

  /** Instances that take calls or will, of the revision that serves. */
  get instanceCount(): number {
    return this.#serving.startingCount + this.#serving.servingCount;
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  /** False: it waits for its first instance, or its start has failed; others take its calls. */
  get takesCalls(): boolean {
    return this.#next?.pool !== this.#serving;
  }

  /** Whether calls can be served soon without another start. */
  get isAlive(): boolean {
    return this.takesCalls && this.#serving.isAlive;
  }

  /** The revision that it should serve: the newer one where there is one. */
  get wantedRevision(): RevisionId {
    return (this.#next?.pool ?? this.#serving).revision.id;
  }

  get servingRevision(): RevisionId {
    return this.#serving.revision.id;
  }

  /** Has it serve `revision`, from the moment on in which an instance of it is ready. */
  put(revision: Revision): void {
    // What is given up here must not have the old revision started in its place.
    this.#context.turns.forget(this);
    const before = this.#next;
    if (this.#serving.revision.id === revision.id && this.takesCalls) {
      this.#next = undefined;
    } else if (this.wantedRevision !== revision.id || before?.failure !== undefined) {
      this.#goOverTo(new Pool(revision, this.#context, this));
    }
    // Only now: its turn goes on to others, for whom an idle instance of this function may be stopped.
    if (before !== undefined && before !== this.#next) this.#retire(before.pool);
    this.limitsChanged();
  }

  #goOverTo(pool: Pool<L>): void {
    const isFirst = !this.takesCalls;
    if (isFirst) this.#serving = pool;
    if (isFirst || this.#serving.isAlive) this.#next = new NewerRevision(pool);
    else this.#switchTo(pool);
  }

  /** What was refused room or was at a limit before may be neither now. */
  limitsChanged(): void {
    this.#context.turns.forget(this);
    if (this.#next?.isComing) this.#context.turns.want(this);
    this.#pump();
  }

  /** It takes no calls any more: those that wait go to `heir`, or are refused; open ones end. */
  remove(heir: Branch<L> | undefined, cause: Fault): void {
    this.#removed = true;
    this.#context.turns.forget(this);
    this.#dropNext();
    this.#retire(this.#serving);
    if (heir === undefined) this.refuseAll(cause);
    else heir.#inherit(this.#queue);
    this.#context.wheel.disarm(this);
  }

  #inherit(queue: CallQueue<L>): void {
    this.#queue.takeOver(queue);
    this.#pump();
  }

  admit(waiter: Waiter<L>): void {
    const isBlocked = this.#owner.instancesMax === 0;
    const instance = this.#queue.length === 0 && !isBlocked ? this.#serving.take() : undefined;
    if (instance !== undefined) {
      if (this.#serving.isAboveSoftConcurrency) this.#scale();
      this.#queue.grant(waiter, instance);
      return;
    }
    if (isBlocked) {
      waiter.refused(functionBlocked(this.#owner.key));
    } else if (this.#owner.waitingCount >= this.#context.limits.queueCallsMax) {
      waiter.refused(queueFull(this.#owner.key, this.#context.limits));
    } else {
      this.#queue.push(waiter, this.#context.nowMs());
      this.#scale();
    }
  }

  /** Does nothing where it does not wait here. */
  abandon(waiter: Waiter<L>): void {
    this.#queue.remove(waiter);
  }

  refuseAll(cause: Fault): void {
    this.#queue.refuseAll(cause);
    this.#context.wheel.disarm(this);
  }

  status(): BranchStatus {
    const next = this.#next;
    const failure = this.#serving.lastFailure;
    const waitsForRoom = next?.pool.isAlive === false && this.#context.turns.isWaitingForRoom(this);
    return {
      serving: this.#removed || !this.takesCalls ? undefined : this.servingRevision,
      next: next && nextStatus(next, waitsForRoom),
      lastStartFailure: this.#removed ? undefined : failure,
      instances: this.#pools().flatMap((pool) => [...pool.instances].map((instance) => instance.status())),
    };
  }

  // ---- provisioned instances

  /** Keeps `target` instances ready, of whatever revision serves. */
  provision(target: number, keepsCpu: boolean): void {
    this.#provisionTarget = target;
    this.#keepsCpu = keepsCpu;
    if (!this.#removed) this.#provisionServing();
  }

  #provisionServing(): void {
    this.#serving.provision(this.#provisionTarget, this.#keepsCpu);
    if (this.#needsInstances) this.#scale();
  }

  provisionedUse(): ProvisionedUse {
    return this.#serving.provisionedUse();
  }

  /** Why provisioned instances are missing; undefined where none is, or they are just starting. */
  get provisionProblem(): string | undefined {
    if (this.#serving.missingProvisioned === 0) return undefined;
    const { limitedBy } = this.#decide();
    const failure = this.#serving.lastFailure;
    if (failure !== undefined) return failure.fault.message;
    return limitedBy === undefined
      ? undefined
      : limitReached(limitedBy, this.#serving.revision.memoryMb, this.#context.limits);
  }

  // ---- starts

  /** StartCandidate: the newer revision first, then what the queue needs. */
  tryStart(): StartAttempt {
    const next = this.#next?.tryStart(this.#context.room) ?? "enough";
    const attempt = next === "started" ? next : this.#tryStartServing();
    if (attempt === "started") this.#owner.branchChanged();
    else this.#review();
    return attempt === "enough" ? next : attempt;
  }

  #tryStartServing(): StartAttempt {
    const { start, limitedBy } = this.#decide();
    if (start > 0) {
      if (this.#serving.missingProvisioned === 0) this.#context.growth.take(this.#context.nowMs());
      this.#serving.start();
      return "started";
    }
    if (limitedBy !== "account" && limitedBy !== "host") return "enough";
    if (this.#needsInstances) this.#context.room.reclaim(this.#serving.revision.memoryMb);
    return "noRoom";
  }

  #decide(): ScaleDecision {
    const { room, growth } = this.#context;
    const serving = this.#serving;
    const nowMs = this.#context.nowMs();
    return decideStarts({
      waitingCalls: this.#queue.length,
      comingInstances: serving.comingCount,
      asleepInstances: serving.asleepCount,
      missingProvisioned: serving.missingProvisioned,
      instances: this.#owner.instanceCount,
      callsPerInstance: serving.callsPerInstance,
      aboveSoftConcurrency: serving.isAboveSoftConcurrency,
      backOff: serving.backOff.stateAt(nowMs),
      functionInstancesMax: this.#owner.instancesMax,
      growthLeft: growth.leftAt(nowMs),
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
      this.#queue.refuseUpTo(nowMs - this.#waitLimitMs(nowMs), this.#waitOver(nowMs, nowMs - since));
    }
    if (this.#needsInstances) this.#scale();
  }

  get #needsInstances(): boolean {
    return this.#queue.length > 0 || this.#serving.missingProvisioned > 0;
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
    if (this.#needsInstances || this.#serving.isAboveSoftConcurrency) this.#scale();
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
    const waitEndsAt = since === undefined ? Number.POSITIVE_INFINITY : this.#waitEndsAt(since);
    const { endsAt: pauseEndsAt } = this.#serving.backOff;
    // Provisioned instances do not wait for growth.
    const needsGrowth = this.#serving.missingProvisioned === 0;
    const growsAt = needsGrowth ? this.#context.growth.nextAt(nowMs) : nowMs;
    const startAt = this.#needsInstances ? Math.max(pauseEndsAt, growsAt) : nowMs;
    const lookAt = startAt > nowMs ? Math.min(startAt, waitEndsAt) : waitEndsAt;
    if (lookAt === Number.POSITIVE_INFINITY) wheel.disarm(this);
    else if (!this.armed || this.dueAt !== lookAt) wheel.arm(this, lookAt - nowMs);
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
    const startWaitEndsAt = since + this.#startWaitMs;
    if (this.#isHopeful) return startWaitEndsAt;
    const { queueWaitAtLimitMs } = this.#context.limits;
    // Hope that comes and goes must not make the wait endless.
    return Math.min(Math.max(since, this.#hopedAt), startWaitEndsAt) + queueWaitAtLimitMs;
  }

  /** How long a call must have waited for its wait to be over now. */
  #waitLimitMs(nowMs: number): number {
    if (this.#isHopeful) return this.#startWaitMs;
    const { queueWaitAtLimitMs } = this.#context.limits;
    const hopedLately = this.#hopedAt + queueWaitAtLimitMs > nowMs;
    return hopedLately ? this.#startWaitMs + queueWaitAtLimitMs : queueWaitAtLimitMs;
  }

  #waitOver(nowMs: number, waitedMs: number): Fault {
    const serving = this.#serving;
    const { instanceConcurrency, memoryMb } = serving.revision;
    const { limitedBy } = this.#decide();
    const pause = serving.backOff.refusal(nowMs);
    if (pause !== undefined) return pause;
    if (serving.servingCount === 0 && serving.lastFailure !== undefined) return serving.lastFailure.fault;
    if (serving.isUnhealthy) return allUnhealthy(serving.servingCount);
    const seen = { limitedBy, instances: serving.servingCount, instanceConcurrency, memoryMb };
    return waitOver(waitedMs, seen, this.#context.limits);
  }

  // ---- its pools

  poolReady(pool: Pool<L>): void {
    if (this.#next?.pool === pool) this.#switchTo(pool);
    this.#hopedAt = this.#context.nowMs();
    this.#pump();
    this.#owner.branchChanged();
  }

  poolChanged(pool: Pool<L>): void {
    if (pool === this.#serving) this.#pump();
  }

  poolStartFailed(pool: Pool<L>, cause: Fault): void {
    this.#context.startFailed(pool.revision, cause, pool.lastFailure?.stderrTail ?? "");
    if (this.#next?.pool === pool) this.#next.failure = cause;
    this.#passOver();
    this.#hopedAt = this.#context.nowMs();
    this.#review(pool === this.#serving ? cause : undefined);
    if (this.#needsInstances) this.#scale();
    this.#owner.branchChanged();
  }

  poolInstanceExited(pool: Pool<L>, instance: Instance<L>, report: ExitReport, expected: boolean): void {
    if (pool.instances.size === 0) this.#retired.delete(pool);
    if (pool === this.#serving && this.#needsInstances) this.#scale();
    this.#context.instanceExited(instance, report, expected);
    this.#owner.branchChanged();
  }

  poolRemark(_pool: Pool<L>, words: string): void {
    this.#context.remark(this.#owner.key, words);
  }

  #pools(): Pool<L>[] {
    return [...new Set([this.#serving, ...(this.#next ? [this.#next.pool] : []), ...this.#retired])];
  }

  #switchTo(pool: Pool<L>): void {
    const before = this.#serving;
    this.#next = undefined;
    this.#serving = pool;
    this.#context.turns.forget(this);
    if (before !== pool) this.#retire(before);
    this.#provisionServing();
  }

  /** What has never worked is not worth keeping for what failed as well, or has yet to show. */
  #passOver(): void {
    const { isAlive, hasWorked } = this.#serving;
    if (this.#next === undefined || !this.takesCalls || isAlive || hasWorked) return;
    this.#switchTo(this.#next.pool);
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
}
