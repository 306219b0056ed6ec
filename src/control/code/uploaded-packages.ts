import type { Clock, WakeUp } from "../../base/base.ts";
import type { HeldPackage } from "./code-packages.ts";

/** How long a package that was uploaded alone waits for a function to name it. */
const KEPT_MS = 3_600_000;
/** Most packages that wait; of more the oldest waits no longer. */
const KEPT_MAX = 100;

interface Kept {
  readonly held: HeldPackage;
  readonly wakeUp: WakeUp;
}

/** Packages that nothing names yet: each stays for an hour, then the sweep may have it. */
export class UploadedPackages {
  readonly #clock: Clock;
  /** By sha256, oldest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps it for an hour from now; gives the end (epoch ms). */
  keep(held: HeldPackage): number {
    const { sha256 } = held.code;
    this.#release(sha256);
    const wakeUp = this.#clock.wakeAfter(KEPT_MS, () => this.#release(sha256));
    this.#kept.set(sha256, { held, wakeUp });
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > KEPT_MAX) this.#release(oldest);
    return this.#clock.epochMs() + KEPT_MS;
  }

  close(): void {
    for (const sha256 of [...this.#kept.keys()]) this.#release(sha256);
  }

  #release(sha256: string): void {
    const kept = this.#kept.get(sha256);
    this.#kept.delete(sha256);
    kept?.wakeUp.cancel();
    kept?.held[Symbol.dispose]();
  }
}
