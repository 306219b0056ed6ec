/**
 * A day of one function under Knative's autoscaler: calls wait in the activator for a free slot of any pod; every two
 * seconds the autoscaler looks at the open calls of the last minute and of the last six seconds. From zero the activator
 * asks for a pod at once; to zero it goes when none has been wanted for the grace period. Pods are not frozen.
 */
import { EventQueue, SimulatedEvent } from "../../src/base/testing/event-queue.ts";
import { Arrivals } from "./calls.ts";
import { KPA, Kpa } from "./kpa.ts";
import { Outcome } from "./outcome.ts";
import { START_MS } from "./start-time.ts";
import type { Traffic } from "./traffic.ts";

const TICK_MS = KPA.tickSeconds * 1000;

export function playKnative(traffic: Traffic): Outcome {
  const service = new KnativeService(traffic.instanceConcurrency);
  new Arrivals(traffic, service.queue, (durationMs) => service.arrive(durationMs));
  for (let event = service.queue.next(); event !== undefined; event = service.queue.next()) event.happen();
  return service.outcome;
}

interface Pod {
  readonly begunAt: number;
  isReady: boolean;
  openCalls: number;
}

class KnativeService {
  readonly queue = new EventQueue();
  readonly outcome = new Outcome();
  readonly #podConcurrency: number;
  readonly #kpa = new Kpa();
  /** Those that take calls or will, oldest first; those that end when their calls have ended are not among them. */
  readonly #pods: Pod[] = [];
  readonly #waiting: Call[] = [];
  readonly #concurrency = new ConcurrencyWindow(this.queue);
  #zeroWantedSince: number | undefined;
  #isTicking = false;

  constructor(podConcurrency: number) {
    this.#podConcurrency = podConcurrency;
  }

  arrive(durationMs: number): void {
    this.#concurrency.change(1);
    this.#waiting.push(new Call(this.queue.nowMs(), durationMs, this));
    if (this.#pods.length === 0) this.#start();
    this.#dispatch();
    this.#tickLater();
  }

  ended(call: Call, pod: Pod): void {
    this.#concurrency.change(-1);
    pod.openCalls -= 1;
    if (this.#pods.includes(pod)) this.#dispatch();
    else this.#endIfIdle(pod);
    call.pod = undefined;
  }

  grant(call: Call, pod: Pod): void {
    pod.openCalls += 1;
    call.pod = pod;
    this.outcome.waited(this.queue.nowMs() - call.arrivedAt);
    this.queue.schedule(call, call.durationMs);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const pod = this.#freest();
      if (pod === undefined) return;
      this.grant(this.#waiting.shift() as Call, pod);
    }
  }

  /** The ready pod with the fewest calls that has a slot. */
  #freest(): Pod | undefined {
    let best: Pod | undefined;
    for (const pod of this.#pods) {
      if (!pod.isReady || pod.openCalls >= this.#podConcurrency) continue;
      if (best === undefined || pod.openCalls < best.openCalls) best = pod;
    }
    return best;
  }

  // ---- the autoscaler

  #tickLater(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.queue.wakeAfter(TICK_MS, () => {
      this.#isTicking = false;
      this.#tick();
      if (this.#pods.length > 0 || this.#waiting.length > 0) this.#tickLater();
    });
  }

  #tick(): void {
    this.#concurrency.tick();
    const nowSeconds = this.queue.nowMs() / 1000;
    const wanted = this.#kpa.desiredPods({
      nowSeconds,
      stableConcurrency: this.#concurrency.mean(KPA.stableWindowSeconds),
      panicConcurrency: this.#concurrency.mean(KPA.panicWindowSeconds),
      readyPods: this.#pods.filter((pod) => pod.isReady).length,
      podConcurrency: this.#podConcurrency,
    });
    const target = this.#withGrace(wanted, nowSeconds);
    while (this.#pods.length < target) this.#start();
    while (this.#pods.length > target) this.#stopEmptiest();
  }

  /** The last pod stays for the grace period. */
  #withGrace(wanted: number, nowSeconds: number): number {
    if (wanted > 0) {
      this.#zeroWantedSince = undefined;
      return wanted;
    }
    this.#zeroWantedSince ??= nowSeconds;
    return nowSeconds - this.#zeroWantedSince < KPA.scaleToZeroGraceSeconds ? 1 : 0;
  }

  #start(): void {
    const pod: Pod = { begunAt: this.queue.nowMs(), isReady: false, openCalls: 0 };
    this.#pods.push(pod);
    this.queue.wakeAfter(START_MS, () => {
      pod.isReady = true;
      this.#dispatch();
    });
  }

  #stopEmptiest(): void {
    const pod = this.#pods.reduce((a, b) => (b.openCalls < a.openCalls ? b : a));
    this.#pods.splice(this.#pods.indexOf(pod), 1);
    this.#endIfIdle(pod);
  }

  #endIfIdle(pod: Pod): void {
    if (pod.openCalls > 0) return;
    const seconds = (this.queue.nowMs() - pod.begunAt) / 1000;
    this.outcome.aliveSeconds += seconds;
    this.outcome.runningSeconds += seconds;
  }
}

class Call extends SimulatedEvent {
  readonly arrivedAt: number;
  readonly durationMs: number;
  pod: Pod | undefined;
  readonly #service: KnativeService;

  constructor(arrivedAt: number, durationMs: number, service: KnativeService) {
    super();
    this.arrivedAt = arrivedAt;
    this.durationMs = durationMs;
    this.#service = service;
  }

  override happen(): void {
    if (this.pod !== undefined) this.#service.ended(this, this.pod);
  }
}

/** The mean of open calls, those that wait included, over the last seconds before a tick. */
class ConcurrencyWindow {
  readonly #queue: EventQueue;
  #open = 0;
  /** Call-milliseconds up to `#at`. */
  #area = 0;
  #at = 0;
  /** What `#area` was at each tick, oldest first, as far back as the stable window. Between ticks far apart no call is open. */
  readonly #marks: { readonly at: number; readonly area: number }[] = [{ at: 0, area: 0 }];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  change(by: number): void {
    this.#advance();
    this.#open += by;
  }

  tick(): void {
    this.#advance();
    const marks = this.#marks;
    marks.push({ at: this.#at, area: this.#area });
    while (marks[1] !== undefined && marks[1].at <= this.#at - KPA.stableWindowSeconds * 1000) marks.shift();
  }

  mean(seconds: number): number {
    const from = this.#at - seconds * 1000;
    const before = this.#marks.findLast((mark) => mark.at <= from)?.area ?? 0;
    return (this.#area - before) / (seconds * 1000);
  }

  #advance(): void {
    const now = this.#queue.nowMs();
    this.#area += this.#open * (now - this.#at);
    this.#at = now;
  }
}
