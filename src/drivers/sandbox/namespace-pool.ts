/** Keeps network namespaces ready, so that no call waits for one to be made. */
import type { Clock, Logger, WakeUp } from "../../base/base.ts";
import type { CgroupTree } from "../cgroup/cgroup.ts";
import { isRunning } from "../host/process-tree.ts";
import type { Egress } from "../network/egress.ts";
import { FreeAddresses } from "../network/free-addresses.ts";
import { IpSession } from "../network/ip-session.ts";
import type { SandboxIdentity } from "./identity.ts";
import { NetworkMaker } from "./new-network.ts";
import { endParked, type ParkedNamespace, parkNamespace, removeGroup } from "./parked-namespace.ts";
import type { ScratchDisks } from "./scratch-disks.ts";

/** The processors belong to the instances that start; the pool is filled up when none has begun to for so long. */
const QUIET_MS = 40;
/** The same while one that took a namespace is still on its way. */
const QUIET_AMID_STARTS_MS = 250;
/** With starts one after the other without a pause, one is made after this time all the same. */
const DEFERRED_MAX_MS = 1_000;
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
  readonly #links = new IpSession();
  #networks: Promise<NetworkMaker> | undefined;
  #timer: WakeUp | undefined;
  #takenAt = Number.NEGATIVE_INFINITY;
  #starting = 0;
  /** Since when the pool is to be filled up and is not, for the sake of starts. */
  #deferredSince: number | undefined;
  #isClosed = false;

  /** Throws when a range is wrong. Makes nothing before it is asked to. */
  constructor(options: NamespacePoolOptions) {
    this.#options = options;
    this.#addresses = new FreeAddresses(options.ranges);
  }

  /**
   * A namespace that now belongs to the caller, who says by `hasStarted` when its instance needs the processors no more than
   * others do. Rejects when none can be made.
   */
  async take(): Promise<ParkedNamespace> {
    this.#starting += 1;
    try {
      return await this.#take();
    } catch (error) {
      this.#starting -= 1;
      throw error;
    } finally {
      this.#takenAt = this.#options.clock.nowMs();
    }
  }

  hasStarted(): void {
    this.#starting -= 1;
    this.#fillWhenQuiet();
  }

  #take(): Promise<ParkedNamespace> {
    this.#takenAt = this.#options.clock.nowMs();
    for (const namespace of this.#ready) {
      // One that was killed this moment: its exit event, which takes it out, is still to come.
      if (!isRunning(namespace.shellPid)) continue;
      this.#ready.delete(namespace);
      this.#fillWhenQuiet();
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
    this.#links.close();
    (await this.#networks)?.close();
    this.#networks = undefined;
  }

  /** One after the other, in pauses between starts. */
  #fillWhenQuiet(): void {
    if (this.#isClosed || this.#making.size > 0 || this.#missing() <= 0) return;
    const nowMs = this.#options.clock.nowMs();
    this.#deferredSince ??= nowMs;
    const quietMs = this.#starting === 0 ? QUIET_MS : QUIET_AMID_STARTS_MS;
    const fillAt = Math.min(this.#takenAt + quietMs, this.#deferredSince + DEFERRED_MAX_MS);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (nowMs >= fillAt) this.#fill();
    else this.#timer = this.#options.clock.wakeAfter(fillAt - nowMs, () => this.#fillWhenQuiet());
  }

  #fill(): void {
    this.#deferredSince = undefined;
    while (!this.#isClosed && this.#making.size < AT_ONCE_MAX && this.#missing() > 0) {
      const making = this.#make();
      this.#making.add(making);
      void making.finally(() => {
        this.#making.delete(making);
        // Whoever waits is served at once.
        if (this.#waiters.length > 0) this.#fill();
        else this.#fillWhenQuiet();
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
    this.#networks ??= NetworkMaker.open(this.#options.egress.owner, this.#options.clock);
    const networks = await this.#networks;
    return this.#addresses.attempt(
      (addresses) => parkNamespace({ ...this.#options, networks, links: this.#links }, addresses),
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
      this.#fillWhenQuiet();
    });
  }
}
