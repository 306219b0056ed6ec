/** Where parked shells get their network namespaces from. */
import type { Clock } from "../../base/base.ts";
import type { HeldNamespace } from "../network/held-namespace.ts";
import { IpSession } from "../network/ip-session.ts";
import { type NetworkOwner, networkFile } from "../network/network-owner.ts";
import { openParentNamespace, SMALL_TABLES } from "./parent-namespace.ts";

/** How one parked shell gets a network namespace of its own. */
export interface NewNetwork {
  /** Options of unshare(1) for it. */
  readonly namespaces: readonly string[];
  /** The command within which unshare runs. */
  readonly within: readonly string[];
  /** In the owner's view of files; undefined where there is no owner. */
  readonly name: string | undefined;
  /** Takes the name away: as long as it has one, the kernel keeps it. */
  close(): void;
}

/**
 * Without an `owner` a shell makes its namespace itself, inside of the one whose settings it is to have. Else they belong to
 * that user namespace: then a process makes them there, since one that has gone into a user namespace does not come back,
 * and a shell only enters its own. It is one process for all of them. Their names are in the owner's view of files alone.
 */
export class NetworkMaker {
  readonly #parent: HeldNamespace | undefined;
  readonly #maker: IpSession | undefined;
  #count = 0;

  static async open(owner: NetworkOwner | undefined, clock: Clock): Promise<NetworkMaker> {
    return owner === undefined
      ? new NetworkMaker(await openParentNamespace(clock), undefined)
      : new NetworkMaker(undefined, owner);
  }

  private constructor(parent: HeldNamespace | undefined, owner: NetworkOwner | undefined) {
    this.#parent = parent;
    if (owner === undefined) return;
    this.#maker = new IpSession({
      // A network of its own, to which it may return from each that it makes.
      within: ["nsenter", ...owner.enter, "unshare", "--net"],
      setUp: SMALL_TABLES,
    });
  }

  /** Rejects when none can be made. */
  async make(): Promise<NewNetwork> {
    const maker = this.#maker;
    if (maker === undefined) {
      const within = this.#parent === undefined ? [] : ["nsenter", `--net=${this.#parent.path}`];
      return { namespaces: ["--net"], within, name: undefined, close() {} };
    }
    const name = `n${this.#count++}`;
    await maker.run([`netns add ${name}`]);
    return {
      namespaces: [],
      within: ["nsenter", `--net=/proc/${maker.pid}/root${networkFile(name)}`],
      name,
      close: () => void maker.run([`netns delete ${name}`]).catch(() => {}),
    };
  }

  /** Idempotent. */
  close(): void {
    this.#maker?.close();
    this.#parent?.close();
  }
}
