/** Takes the CPU from everything in a control group, and gives it back (cgroup-v2.rst and cgroup-v1/freezer-subsystem.rst). */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, sleep } from "../../base/base.ts";

/** The group that is frozen, in the hierarchy that can. Plain data: main freezes and thaws without asking the spawner. */
export interface FreezerGroup {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** What hangs in the kernel (a dead network file system) is not frozen before it returns from there. */
const FREEZE_LIMIT_MS = 2_000;
const LOOK_FIRST_MS = 1;
const LOOK_MAX_MS = 16;

/** Lets everything in it run again. Throws what the file system throws. */
export function thawGroup({ version, folder }: FreezerGroup): void {
  if (version === 2) writeFileSync(join(folder, "cgroup.freeze"), "0");
  else writeFileSync(join(folder, "freezer.state"), "THAWED");
}

/** Freezes and thaws the group of one instance. Only the last wish counts. */
export class Freezer {
  readonly #group: FreezerGroup;
  readonly #clock: Clock;
  /** The freeze that is under way or done; undefined when thawed. */
  #freeze: Promise<void> | undefined;
  /** Rises with each wish, so that a freeze under way notices that it is no longer wanted. */
  #wishes = 0;

  constructor(group: FreezerGroup, clock: Clock) {
    this.#group = group;
    this.#clock = clock;
  }

  /** Resolves when nothing in the group runs. Rejects when it is gone, does not freeze in time, or is thawed meanwhile. */
  freeze(): Promise<void> {
    if (this.#freeze === undefined) {
      const freeze = this.#freezeNow(++this.#wishes);
      this.#freeze = freeze;
      freeze.catch(() => {
        if (this.#freeze === freeze) this.#freeze = undefined;
      });
    }
    return this.#freeze;
  }

  /** Returns when everything in the group may run again. Throws when the group is gone. */
  thaw(): void {
    this.#wishes++;
    this.#freeze = undefined;
    thawGroup(this.#group);
  }

  async #freezeNow(wish: number): Promise<void> {
    const { version, folder } = this.#group;
    if (version === 2) writeFileSync(join(folder, "cgroup.freeze"), "1");
    else writeFileSync(join(folder, "freezer.state"), "FROZEN");
    const startedAt = this.#clock.nowMs();
    for (let waitMs = LOOK_FIRST_MS; !this.#isFrozen(); waitMs = Math.min(2 * waitMs, LOOK_MAX_MS)) {
      if (this.#clock.nowMs() - startedAt >= FREEZE_LIMIT_MS) {
        this.thaw();
        throw new Error(`something in it did not stop within ${FREEZE_LIMIT_MS} ms`);
      }
      await sleep(this.#clock, waitMs);
      if (wish !== this.#wishes) throw new Error("it was thawed meanwhile");
    }
  }

  #isFrozen(): boolean {
    const { version, folder } = this.#group;
    if (version === 2) return /^frozen 1$/m.test(readFileSync(join(folder, "cgroup.events"), "utf8"));
    return readFileSync(join(folder, "freezer.state"), "utf8").trim() === "FROZEN";
  }
}
