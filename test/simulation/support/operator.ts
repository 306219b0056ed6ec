import { SimulatedEvent } from "../../../src/base/testing/event-queue.ts";
import type { FunctionEntry } from "../../../src/model/model.ts";
import { drawEntry, drawInstancesMax } from "./chapter.ts";
import type { SimFunction } from "./sim-function.ts";
import type { World } from "./world.ts";

/** Someone who deploys, rolls back, limits and removes functions; and crowds that come all at once. */
export class Operator extends SimulatedEvent {
  readonly #world: World;
  readonly #everyMs: number;
  readonly #before = new Map<SimFunction, FunctionEntry>();

  constructor(world: World) {
    super();
    this.#world = world;
    this.#everyMs = world.dice.magnitude(500, 600_000);
  }

  begin(): void {
    for (const fn of this.#world.functions) this.#deploy(fn, drawEntry(this.#world.dice, fn));
    this.#scheduleNext();
  }

  end(): void {
    this.#world.clock.cancel(this);
  }

  override happen(): void {
    const { dice, functions } = this.#world;
    const fn = dice.pick(functions);
    const draw = dice.below(100);
    if (fn.entry === undefined || draw < 25) this.#deploy(fn, drawEntry(dice, fn));
    else if (draw < 40) this.#deploy(fn, this.#before.get(fn) ?? fn.entry);
    else if (draw < 50) this.#limit(fn, fn.entry);
    else if (draw < 55) this.remove(fn);
    else this.#crowd(fn);
    this.#scheduleNext();
  }

  #scheduleNext(): void {
    this.#world.clock.schedule(this, this.#world.dice.exponential(this.#everyMs));
  }

  #deploy(fn: SimFunction, entry: FunctionEntry): void {
    if (fn.entry !== undefined) this.#before.set(fn, fn.entry);
    this.#put(fn, entry);
  }

  #limit(fn: SimFunction, { maximumInstanceCount: _, ...rest }: FunctionEntry): void {
    const maximum = drawInstancesMax(this.#world.dice);
    this.#put(fn, { ...rest, ...(maximum !== undefined && { maximumInstanceCount: maximum }) });
  }

  #put(fn: SimFunction, entry: FunctionEntry): void {
    const world = this.#world;
    const maximum = entry.maximumInstanceCount ?? Number.POSITIVE_INFINITY;
    world.note(`is deployed as ${entry.revision.id}, at most`, fn.key, maximum);
    fn.deploy(entry);
    world.checker.wantsAnew(fn);
    world.scheduler.put(entry);
    world.isUnsettled = true;
  }

  remove(fn: SimFunction): void {
    const world = this.#world;
    world.note("is removed", fn.key);
    fn.remove();
    world.checker.wantsAnew(fn);
    world.scheduler.remove(fn.key);
    world.isUnsettled = true;
  }

  #crowd(fn: SimFunction): void {
    for (let left = this.#world.dice.magnitude(1, 600); left > 1; left--) this.#world.call(fn);
  }
}
