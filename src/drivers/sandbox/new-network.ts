/** Where parked shells get their network namespaces from. */
import type { Clock } from "../../base/base.ts";
import type { HeldNamespace } from "../network/held-namespace.ts";
import { IpSession } from "../network/ip-session.ts";
import { openParentNamespace, SMALL_TABLES } from "./parent-namespace.ts";

/** How one parked shell gets a network namespace of its own. */
export interface NewNetwork {
  /** Options of unshare(1) for it. */
  readonly namespaces: readonly string[];
  /** The command within which unshare runs. */
  readonly within: readonly string[];
  /** To be called once the shell runs, or has ended. */
  close(): void;
}

/**
 * Without an `owner` a shell makes its namespace itself, inside of the one whose settings it is to have. Else they belong to
 * that user namespace: then a process makes them there, since one that has gone into a user namespace does not come back,
 * and a shell only enters its own. It is one process for all of them. The files by which they are entered are in its mount
 * namespace alone, and end with it.
 */
export class NetworkMaker {
  readonly #parent: HeldNamespace | undefined;
  readonly #maker: IpSession | undefined;
  #count = 0;

  static async open(owner: HeldNamespace | undefined, clock: Clock): Promise<NetworkMaker> {
    return owner === undefined
      ? new NetworkMaker(await openParentNamespace(clock), undefined)
      : new NetworkMaker(undefined, owner);
  }

  private constructor(parent: HeldNamespace | undefined, owner: HeldNamespace | undefined) {
    this.#parent = parent;
    if (owner === undefined) return;
    this.#maker = new IpSession({
      // A network of its own, to which it may return from each that it makes.
      within: ["nsenter", `--user=${owner.path}`, "unshare", "--net", "--mount"],
      setUp: `${SMALL_TABLES} && mount -t tmpfs -o mode=0700,size=1m sluice /run`,
    });
  }

  /** Rejects when none can be made. */
  async make(): Promise<NewNetwork> {
    const maker = this.#maker;
    if (maker === undefined) {
      const within = this.#parent === undefined ? [] : ["nsenter", `--net=${this.#parent.path}`];
      return { namespaces: ["--net"], within, close() {} };
    }
    const name = `n${this.#count++}`;
    await maker.run([`netns add ${name}`]);
    return {
      namespaces: [],
      within: ["nsenter", `--net=/proc/${maker.pid}/root/run/netns/${name}`],
      // It does not matter when: what is left of it is the name.
      close: () => void maker.run([`netns delete ${name}`]).catch(() => {}),
    };
  }

  /** Idempotent. */
  close(): void {
    this.#maker?.close();
    this.#parent?.close();
  }
}
