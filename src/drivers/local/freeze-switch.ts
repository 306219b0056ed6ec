/** Freeze and thaw of one instance, in step with the rest of its life. */
import type { Clock } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import { Freezer, type FreezerGroup, type Freezing, groupControl } from "../cgroup/cgroup.ts";

export class FreezeSwitch {
  readonly #id: InstanceId;
  readonly #clock: Clock;
  #freezer: Freezing | undefined;
  /** Why it cannot be frozen now; undefined when it can. */
  #obstacle: string | undefined = "does not listen yet";
  #isGone = false;

  constructor(id: InstanceId, clock: Clock) {
    this.#id = id;
    this.#clock = clock;
  }

  /** From now on it can be frozen: its control group by us, else by `other`; without either this driver cannot. */
  listens(group: FreezerGroup | undefined, other: Freezing | undefined): void {
    if (this.#obstacle !== "does not listen yet") return;
    this.#freezer = group === undefined ? other : new Freezer(groupControl(group), this.#clock);
    this.#obstacle =
      this.#freezer === undefined ? "cannot be frozen: no control groups that freeze on this machine" : undefined;
  }

  /** Whether freezing works; known once it listens. */
  get canFreeze(): boolean {
    return this.#freezer !== undefined;
  }

  freeze(): Promise<void> {
    const freeze = this.#freeze();
    freeze.catch(() => {});
    return freeze;
  }

  thaw(): Promise<void> {
    const thaw = this.#thaw();
    thaw.catch(() => {});
    return thaw;
  }

  /** Never again: it is being ended. What is frozen stays so. */
  refuse(): void {
    if (!this.#isGone) this.#obstacle = "is being ended";
  }

  /** Never again, and thawed, so that it can end. */
  end(): void {
    this.refuse();
    // Where the group is gone, nothing is frozen.
    this.#freezer?.thaw().catch(() => {});
  }

  /** Nothing of it runs any more. */
  gone(): void {
    this.#isGone = true;
    this.#obstacle = "is gone";
  }

  async #freeze(): Promise<void> {
    if (this.#obstacle !== undefined) throw new Error(`Instance ${this.#id} ${this.#obstacle}`);
    try {
      await this.#freezer?.freeze();
    } catch (error) {
      throw this.#describe("was not frozen", error);
    }
  }

  async #thaw(): Promise<void> {
    if (this.#isGone) throw new Error(`Instance ${this.#id} is gone`);
    try {
      await this.#freezer?.thaw();
    } catch (error) {
      throw this.#describe("was not thawed", error);
    }
  }

  #describe(what: string, error: unknown): Error {
    const reason = this.#isGone ? "it is gone" : error instanceof Error ? error.message : String(error);
    return new Error(`Instance ${this.#id} ${what}: ${reason}`);
  }
}
