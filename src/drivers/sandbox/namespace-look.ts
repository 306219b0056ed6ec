import type { Clock } from "../../base/base.ts";
import { listeningSockets, SocketCounter, type SocketCounts } from "../host/listening-sockets.ts";
import { judge, type Verdict } from "../local/listening-watch.ts";

/** A change that leaves the number of sockets as it was is seen after this long. */
const FULL_LOOK_MS = 100;

/**
 * Whether what is in the network namespace of a process listens on a port, to be asked every millisecond. All sockets
 * there are the instance's own.
 */
export class NamespaceLook {
  readonly #pid: number;
  readonly #port: number;
  readonly #clock: Clock;
  #counter: SocketCounter | undefined;
  #verdict: Verdict = { kind: "silent" };
  #then: SocketCounts = { ipv4: 0, ipv6: 0 };
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(pid: number, port: number, clock: Clock) {
    this.#pid = pid;
    this.#port = port;
    this.#clock = clock;
  }

  look(): Verdict {
    this.#counter ??= new SocketCounter(this.#pid);
    const counts = this.#counter.read();
    if (counts.ipv4 + counts.ipv6 === 0) return { kind: "silent" };
    const isSame = counts.ipv4 === this.#then.ipv4 && counts.ipv6 === this.#then.ipv6;
    if (isSame && this.#clock.nowMs() - this.#lookedAt < FULL_LOOK_MS) return this.#verdict;
    this.#then = counts;
    this.#lookedAt = this.#clock.nowMs();
    this.#verdict = judge(listeningSockets(this.#pid, counts), this.#port);
    return this.#verdict;
  }

  /** What it holds open would keep the namespace alive. */
  end(): void {
    this.#counter?.close();
    this.#counter = undefined;
  }
}
