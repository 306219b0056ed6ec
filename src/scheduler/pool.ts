import type { ExitReport } from "../drivers/driver.ts";
import type { Fault, InstanceId, Revision } from "../model/model.ts";
import { Instance, type InstanceContext, type InstanceObserver } from "./life/instance.ts";
import type { Link } from "./link.ts";
import { BackOff } from "./scaling/back-off.ts";
import type { ProvisionedUse } from "./scaling/provisioning.ts";
import { FreeSlots } from "./slots/free-slots.ts";

/** What a pool tells the function that it belongs to. */
export interface PoolObserver<L extends Link> {
  /** Its first, or one more, instance takes calls. */
  poolReady(pool: Pool<L>): void;
  /** A slot became free, or what its instances can do for calls is something else: look at the queue. */
  poolChanged(pool: Pool<L>): void;
  poolStartFailed(pool: Pool<L>, cause: Fault): void;
  poolInstanceExited(pool: Pool<L>, instance: Instance<L>, report: ExitReport, expected: boolean): void;
  /** Something that the developer of the function should know. */
  poolRemark(pool: Pool<L>, words: string): void;
}

/** Different remarks of one revision that are told, each once. */
const REMARKS_MAX = 100;

export interface StartFailure {
  readonly fault: Fault;
  readonly stderrTail: string;
}

/** The instances of one revision. */
export class Pool<L extends Link> implements InstanceObserver<L> {
  readonly revision: Revision;
  readonly backOff: BackOff;
  /** All of them, also those that end. */
  readonly instances = new Set<Instance<L>>();
  /** Why the last start failed; undefined after one that worked. */
  lastFailure: StartFailure | undefined;
  /** Whether an instance of it has ever taken calls. */
  hasWorked = false;
  readonly #context: InstanceContext<L>;
  readonly #observer: PoolObserver<L>;
  readonly #free: FreeSlots<Instance<L>>;
  readonly #starting = new Set<Instance<L>>();
  readonly #serving = new Set<Instance<L>>();
  /** Those that serve, and will take calls soon without being asked: they connect anew, or wake up. */
  readonly #soon = new Set<Instance<L>>();
  /** Those that serve and are asleep, oldest first. */
  readonly #asleep = new Set<Instance<L>>();
  readonly #remarks = new Set<string>();
  #provisionTarget = 0;
  #keepsCpu = true;
  #hasProvisioned = false;
  /** What the last instance that came up takes at once: it may allow fewer streams than the configuration says. */
  #callsPerInstance: number;
  #retired = false;

  constructor(revision: Revision, context: InstanceContext<L>, observer: PoolObserver<L>) {
    this.revision = revision;
    this.#context = context;
    this.#observer = observer;
    this.backOff = new BackOff(context.limits.backOffFirstMs, context.limits.backOffMaxMs);
    this.#free = new FreeSlots(revision.instanceConcurrency, revision.instanceSoftConcurrency);
    this.#callsPerInstance = revision.instanceConcurrency;
  }

  get startingCount(): number {
    return this.#starting.size;
  }

  /** Instances that take calls, also those that sleep, connect anew or are unhealthy. */
  get servingCount(): number {
    return this.#serving.size;
  }

  /** Instances that will take calls soon: starting, waking up, or connecting anew. */
  get comingCount(): number {
    return this.#starting.size + this.#soon.size;
  }

  /** Instances that take calls when they are woken. */
  get asleepCount(): number {
    return this.#asleep.size;
  }

  /** Whether it has instances that serve, and the health check of each fails. */
  get isUnhealthy(): boolean {
    return this.#serving.size > 0 && [...this.#serving].every((instance) => instance.isUnhealthy);
  }

  get callsPerInstance(): number {
    return this.#callsPerInstance;
  }

  /** Whether calls can be served soon without another start. */
  get isAlive(): boolean {
    return this.#starting.size > 0 || this.#serving.size > 0;
  }

  /** Whether every instance that takes calls now has more than instanceSoftConcurrency of them. */
  get isAboveSoftConcurrency(): boolean {
    if (this.revision.instanceSoftConcurrency >= this.revision.instanceConcurrency) return false;
    return this.#serving.size > this.#soon.size + this.#asleep.size && this.#free.calmCount === 0;
  }

  start(): void {
    const instance = new Instance(this.revision, this.#context, this);
    this.instances.add(instance);
    this.#starting.add(instance);
    this.#markProvisioned();
  }

  /** Provisioned instances that are not there, not even starting. */
  get missingProvisioned(): number {
    return Math.max(0, this.#provisionTarget - this.#starting.size - this.#serving.size);
  }

  /** Keeps `target` instances ready whether there are calls or not: first those that are so already, then the oldest. */
  provision(target: number, keepsCpu: boolean): void {
    this.#provisionTarget = target;
    this.#keepsCpu = keepsCpu;
    this.#markProvisioned();
  }

  provisionedUse(): ProvisionedUse {
    const ready = this.#provisioned();
    const cpuSeconds = new Map<InstanceId, number>();
    for (const { id, cpuSeconds: used } of ready) if (used !== undefined) cpuSeconds.set(id, used);
    return {
      instances: ready.length,
      openCalls: ready.reduce((sum, instance) => sum + instance.openCalls, 0),
      slots: ready.length * this.revision.instanceConcurrency,
      cpuSeconds,
      cpusEach: this.revision.cpu ?? 1,
    };
  }

  #provisioned(): Instance<L>[] {
    return [...this.#serving].filter((instance) => instance.provisioned);
  }

  #markProvisioned(): void {
    if (this.#provisionTarget === 0 && !this.#hasProvisioned) return;
    this.#hasProvisioned = this.#provisionTarget > 0;
    const all = [...this.#serving, ...this.#starting];
    all.sort((a, b) => Number(b.provisioned) - Number(a.provisioned) || a.begunAt - b.begunAt);
    for (const [index, instance] of all.entries()) {
      instance.provision(index < this.#provisionTarget, this.#keepsCpu);
      this.#free.update(instance);
    }
  }

  /** Wakes as many that are asleep, the longest alive first. */
  wake(count: number): void {
    for (const instance of [...this.#asleep].sort((a, b) => a.seat - b.seat).slice(0, count)) instance.wake();
  }

  /** An instance with a slot taken for a call; undefined: all are full. */
  take(): Instance<L> | undefined {
    const instance = this.#free.preferred();
    if (instance === undefined) return undefined;
    instance.acquire();
    this.#free.update(instance);
    return instance;
  }

  /** A newer revision serves, or the function is gone: no new calls; open ones end in their own time. */
  retire(): void {
    this.#retired = true;
    this.provision(0, false);
    for (const instance of [...this.instances]) instance.drain();
  }

  // ---- its instances

  instanceReady(instance: Instance<L>): void {
    this.backOff.worked();
    this.lastFailure = undefined;
    this.hasWorked = true;
    if (instance.capacity > 0) this.#callsPerInstance = instance.capacity;
    this.#starting.delete(instance);
    this.#serving.add(instance);
    this.#free.add(instance);
    this.#sort(instance);
    this.#observer.poolReady(this);
  }

  slotsChanged(instance: Instance<L>): void {
    this.#free.update(instance);
    if (!this.#retired && instance.rank >= 0) this.#observer.poolChanged(this);
  }

  availabilityChanged(instance: Instance<L>): void {
    this.#sort(instance);
    this.#free.update(instance);
    if (!this.#retired) this.#observer.poolChanged(this);
  }

  isNeededSpare(instance: Instance<L>): boolean {
    const { instanceConcurrency, instanceSoftConcurrency } = this.revision;
    if (instanceSoftConcurrency >= instanceConcurrency || this.#retired) return false;
    const others = [...this.#serving].filter((other) => other !== instance);
    return others.length > 0 && others.every((other) => other.openCalls > instanceSoftConcurrency);
  }

  #sort(instance: Instance<L>): void {
    const { availability } = instance;
    if (availability === "soon") this.#soon.add(instance);
    else this.#soon.delete(instance);
    if (availability === "asleep") this.#asleep.add(instance);
    else this.#asleep.delete(instance);
  }

  remark(_instance: Instance<L>, words: string): void {
    if (this.#remarks.has(words) || this.#remarks.size >= REMARKS_MAX) return;
    this.#remarks.add(words);
    this.#observer.poolRemark(this, words);
  }

  healthChanged(instance: Instance<L>, words: string): void {
    this.#observer.poolRemark(this, `instance ${instance.id} ${words}`);
  }

  startFailed(instance: Instance<L>, cause: Fault, stderrTail: string): void {
    this.backOff.failed(cause, instance.begunAt, this.#context.nowMs());
    this.lastFailure = { fault: cause, stderrTail };
    this.#starting.delete(instance);
    this.#markProvisioned();
    this.#observer.poolStartFailed(this, cause);
  }

  retired(instance: Instance<L>): void {
    this.#starting.delete(instance);
    this.#serving.delete(instance);
    this.#soon.delete(instance);
    this.#asleep.delete(instance);
    this.#free.remove(instance);
    this.#markProvisioned();
    if (!this.#retired) this.#observer.poolChanged(this);
  }

  exited(instance: Instance<L>, report: ExitReport, expected: boolean): void {
    this.instances.delete(instance);
    this.#observer.poolInstanceExited(this, instance, report, expected);
  }
}
