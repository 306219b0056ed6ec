/** Takes the CPU from everything in a control group, and gives it back (cgroup-v2.rst and cgroup-v1/freezer-subsystem.rst). */
import { closeSync, openSync, readFileSync, write, writeFileSync } from "node:fs";
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

/** The file that freezes and thaws, and what is written into it. */
const SWITCHES = {
  1: { file: "freezer.state", freeze: "FROZEN", thaw: "THAWED" },
  2: { file: "cgroup.freeze", freeze: "1", thaw: "0" },
} as const;

/** Lets everything in it run again. Throws what the file system throws. */
export function thawGroup({ version, folder }: FreezerGroup): void {
  writeFileSync(join(folder, SWITCHES[version].file), SWITCHES[version].thaw);
}

/** What freezes and thaws an instance. */
export interface Freezing {
  /** Resolves when nothing in it runs. Rejects when it is gone, does not freeze in time, or is thawed meanwhile. */
  freeze(): Promise<void>;
  /** Resolves when everything in it may run again. Rejects when it is gone. */
  thaw(): Promise<void>;
}

/** A switch that can be set to either side, one order after the other. */
export interface FreezeControl {
  /** Resolves when the order has been taken; what runs may take a while to stop. */
  set(frozen: boolean): Promise<void>;
  isFrozen(): boolean;
}

/** The switch of a control group. */
export function groupControl({ version, folder }: FreezerGroup): FreezeControl {
  const { file, freeze, thaw } = SWITCHES[version];
  return {
    set: (frozen) => writeSwitch(join(folder, file), frozen ? freeze : thaw),
    isFrozen() {
      if (version === 2) return /^frozen 1$/m.test(readFileSync(join(folder, "cgroup.events"), "utf8"));
      return readFileSync(join(folder, "freezer.state"), "utf8").trim() === "FROZEN";
    },
  };
}

/** Freezes and thaws by a switch. Only the last wish counts. */
export class Freezer implements Freezing {
  readonly #control: FreezeControl;
  readonly #clock: Clock;
  /** The freeze that is under way or done; undefined when thawed. */
  #freeze: Promise<void> | undefined;
  /** The thaw that is being written. */
  #thaw: Promise<void> | undefined;
  /** Rises with each wish, so that a freeze under way notices that it is no longer wanted. */
  #wishes = 0;
  /** Ends with the last order: none overtakes another. */
  #ordered: Promise<void> = Promise.resolve();

  constructor(control: FreezeControl, clock: Clock) {
    this.#control = control;
    this.#clock = clock;
  }

  freeze(): Promise<void> {
    if (this.#freeze === undefined) {
      this.#thaw = undefined;
      const freeze = this.#freezeNow(++this.#wishes);
      this.#freeze = freeze;
      freeze.catch(() => {
        if (this.#freeze === freeze) this.#freeze = undefined;
      });
    }
    return this.#freeze;
  }

  thaw(): Promise<void> {
    if (this.#thaw === undefined) {
      this.#wishes++;
      this.#freeze = undefined;
      const thaw = this.#set(false);
      const forget = () => {
        if (this.#thaw === thaw) this.#thaw = undefined;
      };
      this.#thaw = thaw;
      thaw.then(forget, forget);
    }
    return this.#thaw;
  }

  async #freezeNow(wish: number): Promise<void> {
    const startedAt = this.#clock.nowMs();
    await this.#set(true);
    for (let waitMs = LOOK_FIRST_MS; ; waitMs = Math.min(2 * waitMs, LOOK_MAX_MS)) {
      if (wish !== this.#wishes) throw new Error("it was thawed meanwhile");
      if (this.#control.isFrozen()) return;
      if (this.#clock.nowMs() - startedAt >= FREEZE_LIMIT_MS) {
        await this.thaw();
        throw new Error(`something in it did not stop within ${FREEZE_LIMIT_MS} ms`);
      }
      await sleep(this.#clock, waitMs);
    }
  }

  #set(frozen: boolean): Promise<void> {
    const ordered = this.#ordered.then(() => this.#control.set(frozen));
    this.#ordered = ordered.catch(() => {});
    return ordered;
  }
}

/**
 * Only the write itself is left to another thread: in version 2 it waits, some ten milliseconds, for whoever is just
 * putting a process into a group, and main must not stand still meanwhile. To open and to close waits for nobody.
 */
function writeSwitch(file: string, value: string): Promise<void> {
  const descriptor = openSync(file, "w");
  return new Promise((resolve, reject) => {
    write(descriptor, value, null, "latin1", (error) => {
      closeSync(descriptor);
      if (error === null) resolve();
      else reject(error);
    });
  });
}
