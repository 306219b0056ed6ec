/** A day of one function under Sluice's own scheduler, whose instances start, freeze, wake and end in fixed times. */
import { Duplex } from "node:stream";
import { silentLogger } from "../../src/base/base.ts";
import { EventQueue, SimulatedEvent } from "../../src/base/testing/event-queue.ts";
import type { Driver, DriverInstance, ExitReport, StartSpec } from "../../src/drivers/driver.ts";
import {
  type Link,
  type LinkObserver,
  type ScheduledInstance,
  Scheduler,
  schedulerLimits,
  type Waiter,
} from "../../src/scheduler/scheduler.ts";
import { entry, KEY } from "../../src/scheduler/testing/scheduler-bench.ts";
import { Arrivals } from "./calls.ts";
import { Outcome } from "./outcome.ts";
import { START_MS } from "./start-time.ts";
import type { Traffic } from "./traffic.ts";

/** From the order to run again to an answer on the connection: measured p50 (docs/performance.md, freezing). */
const WAKE_MS = 0.2;
const EXIT = { code: 0, signal: undefined, outOfMemory: false, stderrTail: "" } as const;

/** `instanceConcurrency`: that of the function, or 1 for an instance per call. */
export async function playSluice(traffic: Traffic, instanceConcurrency: number): Promise<Outcome> {
  const world = new World();
  world.scheduler.put(entry("r1", { instanceConcurrency, memoryMb: 128 }));
  new Arrivals(traffic, world.queue, (durationMs) => {
    world.scheduler.admit(KEY, new PlayedCall(world, durationMs));
  });
  for (let event = world.queue.next(); event !== undefined; event = world.queue.next()) {
    event.happen();
    // Lets promises that are resolved run their handlers.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return world.outcome;
}

class World implements Driver {
  readonly name = "process";
  readonly capabilities = {
    ownNetwork: true,
    memoryLimit: true,
    processLimit: true,
    cpuLimit: true,
    freeze: true,
    usage: false,
    images: false,
  };
  readonly queue = new EventQueue();
  readonly outcome = new Outcome();
  readonly scheduler = new Scheduler<PlayedLink>({
    driver: this,
    links: {
      open: (_instance, _revision, observer) => new PlayedLink(this, observer),
    },
    clock: this.queue,
    region: "local",
    limits: schedulerLimits({ instancesMax: 10_000, queueCallsMax: 1_000_000 }),
    logger: silentLogger,
    events: { statusChanged() {}, instanceExited() {}, startFailed() {}, remark() {} },
  });

  probe(): Promise<{ works: true }> {
    return Promise.resolve({ works: true });
  }

  start(spec: StartSpec): PlayedInstance {
    return new PlayedInstance(spec, this);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves `afterMs` from now. */
  later(afterMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.queue.wakeAfter(afterMs, resolve);
    });
  }
}

class PlayedInstance implements DriverInstance {
  readonly id: StartSpec["instanceId"];
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  readonly usage = undefined;
  readonly canFreeze = true;
  readonly ranOutOfMemory = () => false;
  readonly #world: World;
  readonly #begunAt: number;
  #exit: (report: ExitReport) => void = () => {};
  /** NaN: it runs. */
  #frozenAt = Number.NaN;
  #frozenMs = 0;
  #isGone = false;

  constructor(spec: StartSpec, world: World) {
    this.id = spec.instanceId;
    this.#world = world;
    this.#begunAt = world.queue.nowMs();
    this.listening = world.later(START_MS);
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  connect(): Promise<Duplex> {
    return Promise.resolve(new Duplex());
  }

  ready(): void {}

  async freeze(): Promise<void> {
    this.#frozenAt = this.#world.queue.nowMs();
  }

  async thaw(): Promise<void> {
    this.#run();
  }

  stop(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#run();
    const { outcome, queue } = this.#world;
    const seconds = (queue.nowMs() - this.#begunAt) / 1000;
    outcome.aliveSeconds += seconds;
    outcome.runningSeconds += seconds - this.#frozenMs / 1000;
    this.#exit(EXIT);
  }

  destroy(): void {
    this.stop();
  }

  #run(): void {
    if (!Number.isNaN(this.#frozenAt)) this.#frozenMs += this.#world.queue.nowMs() - this.#frozenAt;
    this.#frozenAt = Number.NaN;
  }
}

class PlayedLink implements Link {
  readonly #world: World;

  constructor(world: World, observer: LinkObserver) {
    this.#world = world;
    world.queue.wakeAfter(0, () => observer.ready(Number.POSITIVE_INFINITY));
  }

  async ask(): Promise<never> {
    throw new Error("the function has no hooks and no health check");
  }

  suspend(): void {}

  async resume(): Promise<boolean> {
    await this.#world.later(WAKE_MS);
    return true;
  }

  close(): void {}
}

/** A call from its arrival to its end. */
class PlayedCall extends SimulatedEvent implements Waiter<PlayedLink> {
  queuePrevious: Waiter<PlayedLink> | undefined = undefined;
  queueNext: Waiter<PlayedLink> | undefined = undefined;
  queuedIn: unknown = undefined;
  waitingSince = 0;
  readonly #world: World;
  readonly #durationMs: number;
  readonly #arrivedAt: number;
  #slot: ScheduledInstance<PlayedLink> | undefined;

  constructor(world: World, durationMs: number) {
    super();
    this.#world = world;
    this.#durationMs = durationMs;
    this.#arrivedAt = world.queue.nowMs();
  }

  granted(slot: ScheduledInstance<PlayedLink>): void {
    const { outcome, queue } = this.#world;
    this.#slot = slot;
    outcome.waited(queue.nowMs() - this.#arrivedAt);
    queue.schedule(this, this.#durationMs);
  }

  refused(): void {
    this.#world.outcome.refused += 1;
  }

  /** It ends. */
  override happen(): void {
    this.#slot?.release();
  }
}
