import { Timer, type TimerWheel } from "../../base/base.ts";
import type { InstanceId, ProvisionConfig } from "../../model/model.ts";
import { ProvisionPlan, type Utilization } from "./provision-plan.ts";

const MINUTE_MS = 60_000;
/** How often the calls on provisioned instances are counted where a policy looks at them. */
const SAMPLE_MS = 1000;

/** What the provisioned instances of a function do at one moment. */
export interface ProvisionedUse {
  /** Those that are ready. */
  readonly instances: number;
  readonly openCalls: number;
  /** Calls that they could take together. */
  readonly slots: number;
  /** CPU seconds that each has used in its life, where the driver can tell. */
  readonly cpuSeconds: ReadonlyMap<InstanceId, number>;
  /** CPUs that one of them may use. */
  readonly cpusEach: number;
}

export interface ProvisioningOptions {
  readonly config: ProvisionConfig;
  readonly wheel: TimerWheel;
  nowMs(): number;
  epochMs(): number;
  use(): ProvisionedUse;
  /** The target is another. */
  targetChanged(target: number): void;
}

/**
 * Keeps the number of provisioned instances that one function should have: looks when its plan says, and at least once
 * a minute, since wall clocks jump.
 */
export class Provisioning extends Timer {
  target: number;
  readonly #options: ProvisioningOptions;
  readonly #plan: ProvisionPlan;
  #minuteBeganMs: number;
  #samples = 0;
  #sumOfUse = 0;
  #cpuSecondsBefore: ReadonlyMap<InstanceId, number>;

  constructor(options: ProvisioningOptions) {
    super();
    this.#options = options;
    this.#plan = new ProvisionPlan(options.config);
    this.#minuteBeganMs = options.nowMs();
    this.#cpuSecondsBefore = options.use().cpuSeconds;
    this.target = this.#plan.targetAt(options.epochMs());
    this.#arm();
  }

  get config(): ProvisionConfig {
    return this.#plan.config;
  }

  end(): void {
    this.#options.wheel.disarm(this);
  }

  override fire(nowMs: number): void {
    const nowAt = this.#options.epochMs();
    if (this.#plan.tracks) this.#sample();
    if (nowMs - this.#minuteBeganMs >= MINUTE_MS) {
      this.#plan.track(this.#utilization(nowMs - this.#minuteBeganMs), nowAt);
      this.#minuteBeganMs = nowMs;
    }
    const target = this.#plan.targetAt(nowAt);
    this.#arm();
    if (target === this.target) return;
    this.target = target;
    this.#options.targetChanged(target);
  }

  #arm(): void {
    const nowAt = this.#options.epochMs();
    const nextMs = (this.#plan.nextChangeAfter(nowAt) ?? Number.POSITIVE_INFINITY) - nowAt;
    const atMostMs = this.#plan.tracks ? SAMPLE_MS : MINUTE_MS;
    this.#options.wheel.arm(this, Math.min(atMostMs, nextMs));
  }

  #sample(): void {
    const { openCalls, slots } = this.#options.use();
    if (slots === 0) return;
    this.#samples += 1;
    this.#sumOfUse += openCalls / slots;
  }

  #utilization(passedMs: number): Utilization {
    const cpuUse = this.#cpuUse(passedMs);
    const samples = this.#samples;
    const meanUse = this.#sumOfUse / samples;
    this.#samples = 0;
    this.#sumOfUse = 0;
    return {
      ...(samples > 0 && { ProvisionedConcurrencyUtilization: meanUse }),
      ...(cpuUse !== undefined && { CPUUtilization: cpuUse }),
    };
  }

  /** Of those that were provisioned for all of the minute; undefined: there is none, or nobody knows. */
  #cpuUse(passedMs: number): number | undefined {
    const { cpuSeconds, cpusEach } = this.#options.use();
    const before = this.#cpuSecondsBefore;
    this.#cpuSecondsBefore = cpuSeconds;
    let used = 0;
    let count = 0;
    for (const [id, seconds] of cpuSeconds) {
      const secondsBefore = before.get(id);
      if (secondsBefore === undefined) continue;
      used += seconds - secondsBefore;
      count += 1;
    }
    return count === 0 ? undefined : used / ((passedMs / 1000) * count * cpusEach);
  }
}
