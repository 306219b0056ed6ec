import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FunctionEntry, type FunctionKey, fault, functionKey, type Revision } from "../model/model.ts";
import type { FakeInstance } from "./testing/fake-driver.ts";
import { entry, FakeCall, type FakeLink, SchedulerBench, settle } from "./testing/scheduler-bench.ts";

const LIMITS = {
  instancesMax: 6,
  hostMemoryMb: 2000,
  startsAtOnceMax: 2,
  queueCallsMax: 10,
  idleStopMs: 20_000,
  startLimitMs: 30_000,
};
/** Longer than any wait in the queue: a start, and a wait at the limit after it. */
const ALL_WAITS_MS = 60_000;

const KEYS = [functionKey("s", "a"), functionKey("s", "b")] as const;
const CONCURRENCY = [3, 1] as const;
/** MB of the revisions 1 to 3. */
const MEMORY = [300, 300, 700] as const;

function entryOf(which: number, revision: number, maximum?: number): FunctionEntry {
  const concurrency = CONCURRENCY[which] ?? 1;
  const more = {
    function: KEYS[which] as FunctionKey,
    instanceConcurrency: concurrency,
    instanceSoftConcurrency: Math.max(1, concurrency - 1),
    memoryMb: MEMORY[revision] as number,
  };
  return entry(`r${which}.${revision}`, more, maximum);
}

/** One thing that happens; numbers choose among what is there at that moment. */
interface Event {
  readonly kind: (typeof KINDS)[number];
  /** Which function. */
  readonly which: number;
  readonly at: number;
}
const KINDS = [
  ...["arrive", "arrive", "arrive", "arrive", "end", "end", "end", "listen", "listen", "up", "up", "up"],
  ...["abandon", "pause", "exit", "fail", "lost", "replace", "wait", "wait", "deploy", "remove"],
  ...["share", "share", "provision", "unhook"],
] as const;
const event: fc.Arbitrary<Event> = fc.record({
  kind: fc.constantFrom(...KINDS),
  which: fc.nat({ max: KEYS.length - 1 }),
  at: fc.nat({ max: 10_000 }),
});

/** A call that looks at the instance it gets: it must be one that takes calls, with a slot that is really free. */
class CheckedCall extends FakeCall {
  readonly key: FunctionKey;
  readonly #play: Play;

  constructor(key: FunctionKey, play: Play) {
    super();
    this.key = key;
    this.#play = play;
  }

  override granted(instance: Parameters<FakeCall["granted"]>[0]): void {
    super.granted(instance);
    try {
      this.#play.checkGrant(this, instance.link, instance.revision);
    } catch (error) {
      // The scheduler would take it for a bug of the call.
      this.#play.wrongGrants.push(error);
    }
  }
}

/** Plays events on a real scheduler, checking after each one what must always hold. */
class Play {
  readonly bench = new SchedulerBench(LIMITS);
  readonly calls: CheckedCall[] = [];
  /** Calls that left the queue before they were answered. */
  readonly abandoned = new Set<CheckedCall>();
  /** Calls that each link allows now; 0 while it connects anew. */
  readonly allowed = new Map<FakeLink, number>();
  readonly wrongGrants: unknown[] = [];
  /** The revision that each call got. */
  readonly served = new Map<CheckedCall, string>();
  /** Functions that have, or had, two revisions with a share each. */
  readonly #shared = new Set<FunctionKey>();

  async step(next: Event): Promise<void> {
    this.#happen(next);
    await settle();
    this.check();
    this.reap();
    await settle();
    this.check();
  }

  #happen({ kind, which, at }: Event): void {
    const key = KEYS[which] as FunctionKey;
    const { scheduler, clock } = this.bench;
    switch (kind) {
      case "arrive": {
        const call = new CheckedCall(key, this);
        this.calls.push(call);
        scheduler.admit(key, call);
        break;
      }
      case "end":
        pick(this.#open(), at)?.end();
        break;
      case "replace":
        pick(this.#open(), at)?.instance?.replace();
        break;
      case "abandon": {
        const waiting = this.calls.filter((call) => call.queuedIn !== undefined);
        const call = pick(waiting, at);
        if (call === undefined) break;
        scheduler.abandon(call.key, call);
        this.abandoned.add(call);
        break;
      }
      case "listen":
        pick(this.#running(), at)?.listen();
        break;
      case "up": {
        const link = pick(this.#links(), at);
        if (link === undefined) break;
        this.allowed.set(link, at % 5);
        link.observer.ready(at % 5);
        break;
      }
      case "pause": {
        const link = pick(this.#links(), at);
        if (link === undefined) break;
        this.allowed.set(link, 0);
        link.observer.unavailable();
        break;
      }
      case "lost":
        pick(this.#links(), at)?.observer.lost(fault("FunctionUnresponsive", "no answer"));
        break;
      case "exit":
        this.#exit(pick(this.#running(), at));
        break;
      case "fail": {
        const starting = this.#running().filter((instance) => !this.bench.links.has(instance.id));
        pick(starting, at)?.failStart("CAExited", "failed");
        break;
      }
      case "wait":
        clock.advance(at * 3);
        break;
      case "deploy":
        scheduler.put(entryOf(which, at % MEMORY.length, at % 7 > 4 ? at % 3 : undefined));
        break;
      case "remove":
        scheduler.remove(key);
        break;
      case "share":
        // Two revisions at once, in either role; a call that waits for one does not take the slots of the other.
        this.#shared.add(key);
        scheduler.put({
          ...entryOf(which, at % 2),
          additionalRevisions: [{ revision: entryOf(which, (at + 1) % 2).revision, weight: 0.3 }],
        });
        this.bench.random = () => (at % 10) / 10;
        break;
      case "provision": {
        const plain = { alwaysAllocateCpu: at % 3 === 0, scheduledActions: [], targetTrackingPolicies: [] };
        scheduler.put({ ...entryOf(which, at % 2), provision: { target: at % 4, ...plain } });
        break;
      }
      case "unhook":
        // The next proof after a thaw fails.
        for (const link of this.#links()) link.prove = () => at % 2 === 0;
        break;
      default:
        throw new Error(`Unknown event ${kind}`);
    }
  }

  checkGrant(call: CheckedCall, link: FakeLink, revision: Revision): void {
    const { instance } = link;
    assert.ok(!instance.isGone && !instance.stopped && !instance.destroyed, "a slot on an instance that ends");
    const open = this.#open().filter((other) => other.instance?.id === instance.id).length;
    const most = Math.min(revision.instanceConcurrency, this.allowed.get(link) ?? 0);
    assert.ok(open <= most, `${open} calls on an instance that takes ${most}`);
    assert.ok(!this.abandoned.has(call), "a slot for a call that had left");
    assert.ok(!instance.isFrozen && !link.suspended, "a slot on an instance that is asleep");
    const known = this.served.get(call) ?? revision.id;
    assert.equal(revision.id, known, "a call on two revisions");
    this.served.set(call, revision.id);
  }

  check(): void {
    for (const error of this.wrongGrants) throw error;
    for (const call of this.calls) {
      const answers = call.answers + (call.queuedIn !== undefined ? 1 : 0) + (this.abandoned.has(call) ? 1 : 0);
      assert.equal(answers, 1, "a call waits, was answered once, or has left");
    }
    for (const call of this.#open()) {
      const instance = this.#running().find((other) => other.id === call.instance?.id);
      assert.ok(!instance?.stopped || instance.destroyed, "an instance with calls is never stopped");
    }
    const running = this.#running();
    const memoryMb = running.reduce((sum, instance) => sum + instance.spec.memoryMb, 0);
    assert.ok(memoryMb <= LIMITS.hostMemoryMb, `${memoryMb} MB`);
    assert.ok(running.length <= LIMITS.instancesMax + 1, "within the account's limit, one more for a redeploy");
    assert.equal(this.bench.scheduler.instanceCount, running.length);
    for (const key of KEYS) this.#checkNoSlotIsWasted(key);
  }

  /** Where a call waits, every instance that takes calls is full. */
  #checkNoSlotIsWasted(key: FunctionKey): void {
    if (this.#shared.has(key)) return;
    if (!this.calls.some((call) => call.queuedIn !== undefined && call.key === key)) return;
    const status = this.bench.scheduler.statusOf(key);
    for (const instance of status?.instances ?? []) {
      const link = this.bench.links.get(instance.instanceId);
      if (instance.phase !== "ready" || link === undefined) continue;
      const most = Math.min(CONCURRENCY[KEYS.indexOf(key)] ?? 1, this.allowed.get(link) ?? 0);
      assert.ok(instance.openCalls >= most, "a call waits beside a free slot");
    }
  }

  /** What was told to stop exits; its calls end with the loss of the connection. */
  reap(): void {
    for (const instance of this.#running()) if (instance.stopped || instance.destroyed) this.#exit(instance);
  }

  /** Nobody waits for ever; then ends everything, and looks for what is left. */
  async settle(): Promise<void> {
    for (let passed = 0; passed < ALL_WAITS_MS; passed += 1000) {
      this.bench.clock.advance(1000);
      await settle();
      this.reap();
      await settle();
    }
    this.check();
    for (const call of this.calls) assert.ok(call.queuedIn === undefined, "every wait ends");
    for (const key of KEYS) this.bench.scheduler.remove(key);
    for (const call of this.calls) call.end();
    for (let i = 0; i < 3; i++) {
      await settle();
      this.reap();
    }
    await settle();
    assert.equal(this.bench.scheduler.instanceCount, 0, "no instance is left");
    for (const key of KEYS) assert.equal(this.bench.scheduler.statusOf(key), undefined);
    this.bench.clock.advance(600_000);
    assert.equal(this.bench.clock.pendingCount, 0, "no timer is left");
  }

  #exit(instance: FakeInstance | undefined): void {
    if (instance === undefined) return;
    for (const call of this.calls) if (call.instance?.id === instance.id) call.end();
    instance.exit();
  }

  #open(): CheckedCall[] {
    return this.calls.filter((call) => call.instance !== undefined);
  }

  #running(): FakeInstance[] {
    return this.bench.driver.started.filter((instance) => !instance.isGone);
  }

  #links(): FakeLink[] {
    const links = this.#running().map((instance) => this.bench.links.get(instance.id));
    return links.filter((link) => link !== undefined && !link.closed) as FakeLink[];
  }
}

function pick<T>(items: readonly T[], at: number): T | undefined {
  return items.length === 0 ? undefined : items[at % items.length];
}

test("Scheduler keeps its invariants through any order of arrivals, ends, crashes, GOAWAYs, redeploys and removals", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 120, size: "max" }), async (events) => {
      const play = new Play();
      for (const which of KEYS.keys()) play.bench.scheduler.put(entryOf(which, 0));
      for (const next of events) await play.step(next);
      await play.settle();
    }),
    { numRuns: 300 },
  );
});
