/**
 * Knative's pod autoscaler as its documentation and `pkg/autoscaler/scaling/autoscaler.go` (serving 1.x) have it, with
 * the defaults of config-autoscaler: how many pods for the concurrency that was seen.
 */
export const KPA = {
  stableWindowSeconds: 60,
  panicWindowSeconds: 6,
  /** Of containerConcurrency. */
  targetUtilization: 0.7,
  panicThreshold: 2,
  maxScaleUpRate: 1000,
  maxScaleDownRate: 2,
  tickSeconds: 2,
  scaleToZeroGraceSeconds: 30,
} as const;

/** What a decision looks at. */
export interface KpaObservation {
  readonly nowSeconds: number;
  /** Mean of open calls over the stable and the panic window, those that wait included. */
  readonly stableConcurrency: number;
  readonly panicConcurrency: number;
  readonly readyPods: number;
  /** containerConcurrency. */
  readonly podConcurrency: number;
}

/** The autoscaler of one revision. */
export class Kpa {
  #panicSince: number | undefined;
  #maxPanicPods = 0;

  get isPanicking(): boolean {
    return this.#panicSince !== undefined;
  }

  /** Pods that are wanted now; to be asked every tick. */
  desiredPods(seen: KpaObservation): number {
    const ready = Math.max(1, seen.readyPods);
    const target = KPA.targetUtilization * seen.podConcurrency;
    const maxUp = Math.ceil(KPA.maxScaleUpRate * ready);
    const maxDown = Math.floor(ready / KPA.maxScaleDownRate);
    const forStable = Math.ceil(seen.stableConcurrency / target);
    const forPanic = Math.ceil(seen.panicConcurrency / target);
    const stablePods = Math.min(Math.max(forStable, maxDown), maxUp);
    const panicPods = Math.min(Math.max(forPanic, maxDown), maxUp);
    this.#panic(forPanic / ready >= KPA.panicThreshold, seen.nowSeconds);
    if (this.#panicSince === undefined) return stablePods;
    // Never down while it panics.
    this.#maxPanicPods = Math.max(this.#maxPanicPods, panicPods);
    return this.#maxPanicPods;
  }

  #panic(isOverThreshold: boolean, nowSeconds: number): void {
    if (isOverThreshold) {
      this.#panicSince = nowSeconds;
    } else if (this.#panicSince !== undefined && nowSeconds > this.#panicSince + KPA.stableWindowSeconds) {
      this.#panicSince = undefined;
      this.#maxPanicPods = 0;
    }
  }
}
