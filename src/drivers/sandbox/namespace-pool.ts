/** Keeps network namespaces ready, so that no call waits for one to be made. */
import type { Clock, Logger, WakeUp } from "../../base/base.ts";
import type { CgroupTree } from "../cgroup/cgroup.ts";
import { isRunning } from "../host/process-tree.ts";
import type { Egress } from "../network/egress.ts";
import { FreeAddresses } from "../network/free-addresses.ts";
import type { HeldNamespace } from "../network/held-namespace.ts";
import type { SandboxIdentity } from "./identity.ts";
import { openParentNamespace } from "./parent-namespace.ts";
import { endParked, type ParkedNamespace, parkNamespace, removeGroup } from "./parked-namespace.ts";
import type { ScratchDisks } from "./scratch-disks.ts";

/** The processor belongs to the instance that has just taken one; the next is made when that is likely to be up. */
const REFILL_DELAY_MS = 40;
/** After a failure nobody waits for. */
const RETRY_DELAY_MS = 1_000;
const AT_ONCE_MAX = 6;

export interface NamespacePoolOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly size: number;
  readonly ranges: readonly string[];
  readonly cgroups: CgroupTree;
  /** Undefined: /tmp is in memory. */
  readonly disks: ScratchDisks | undefined;
  readonly identity: SandboxIdentity;
  readonly egress: Egress;
}

interface Waiter {
  readonly resolve: (namespace: ParkedNamespace) => void;
  readonly reject: (error: Error) => void;
}

export class NamespacePool {
  readonly #options: NamespacePoolOptions;
  readonly #addresses: FreeAddresses;
  readonly #ready = new Set<ParkedNamespace>();
  readonly #waiters: Waiter[] = [];
  readonly #making = new Set<Promise<void>>();
  #parent: Promise<HeldNamespace | undefined> | undefined;
  #timer: WakeUp | undefined;
  #isClosed = false;

  /** Throws when a range is wrong. Makes nothing before it is asked to. */
  constructor(options: NamespacePoolOptions) {
    this.#options = options;
    this.#addresses = new FreeAddresses(options.ranges);
  }

  /** A namespace that now belongs to the caller. Rejects when none can be made. */
  take(): Promise<ParkedNamespace> {
    for (const namespace of this.#ready) {
      // One that was killed this moment: its exit event, which takes it out, is still to come.
      if (!isRunning(namespace.shellPid)) continue;
      this.#ready.delete(namespace);
      this.#fillLater(REFILL_DELAY_MS);
      return Promise.resolve(namespace);
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#fill();
    });
  }

  /** Resolves when none is left. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const { reject } of this.#waiters.splice(0)) reject(new Error("the sandbox driver is closed"));
    const ends = [...this.#ready].map(endParked);
    this.#ready.clear();
    await Promise.all([...ends, ...this.#making]);
    (await this.#parent)?.close();
    this.#parent = undefined;
  }

  #fillLater(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#options.clock.wakeAfter(delayMs, () => {
      this.#timer = undefined;
      this.#fill();
    });
  }

  #fill(): void {
    while (!this.#isClosed && this.#making.size < AT_ONCE_MAX && this.#missing() > 0) {
      const making = this.#make();
      this.#making.add(making);
      void making.finally(() => {
        this.#making.delete(making);
        // Whoever waits is served at once; the rest of the pool is filled one after the other.
        if (this.#waiters.length > 0 || this.#making.size === 0) this.#fill();
      });
      if (this.#waiters.length === 0) return;
    }
  }

  #missing(): number {
    return this.#options.size + this.#waiters.length - this.#ready.size - this.#making.size;
  }

  async #make(): Promise<void> {
    try {
      await this.#offer(await this.#attempt());
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      const waiter = this.#waiters.shift();
      if (waiter !== undefined) {
        waiter.reject(cause);
        return;
      }
      this.#options.logger.warn("no network namespace can be kept ready", { error: cause.message });
      // Counted as in the making until then, so that the pool is not filled in a busy loop.
      if (!this.#isClosed) await new Promise<void>((resolve) => this.#options.clock.wakeAfter(RETRY_DELAY_MS, resolve));
    }
  }

  async #attempt(): Promise<ParkedNamespace> {
    this.#parent ??= openParentNamespace(this.#options.clock);
    const parent = await this.#parent;
    return this.#addresses.attempt(
      (addresses) => parkNamespace({ ...this.#options, parent }, addresses),
      () => !this.#isClosed,
    );
  }

  async #offer(namespace: ParkedNamespace): Promise<void> {
    if (this.#isClosed) {
      await endParked(namespace);
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve(namespace);
      return;
    }
    this.#ready.add(namespace);
    namespace.child.once("exit", () => {
      if (!this.#ready.delete(namespace)) return;
      removeGroup(namespace.cgroup);
      this.#fillLater(REFILL_DELAY_MS);
    });
  }
}
