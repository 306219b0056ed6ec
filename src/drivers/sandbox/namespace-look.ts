import type { Clock } from "../../base/base.ts";
import { listeningSockets, type SocketCounts, socketCounts } from "../host/listening-sockets.ts";
import { judge, type Verdict } from "../local/listening-watch.ts";

/** A change that leaves the number of sockets as it was is seen after this long. */
const FULL_LOOK_MS = 100;

/**
 * Whether what is in the network namespace of `pid` listens on `port`: a function to be asked every millisecond. All
 * sockets there are the instance's own.
 */
export function namespaceLook(pid: number, port: number, clock: Clock): () => Verdict {
  let verdict: Verdict = { kind: "silent" };
  let then: SocketCounts = { ipv4: 0, ipv6: 0 };
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const counts = socketCounts(pid);
    if (counts.ipv4 + counts.ipv6 === 0) return { kind: "silent" };
    const isSame = counts.ipv4 === then.ipv4 && counts.ipv6 === then.ipv6;
    if (isSame && clock.nowMs() - lookedAt < FULL_LOOK_MS) return verdict;
    then = counts;
    lookedAt = clock.nowMs();
    verdict = judge(listeningSockets(pid, counts), port);
    return verdict;
  };
}
