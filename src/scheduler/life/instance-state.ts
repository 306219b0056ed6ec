import type { Link } from "../link.ts";
import type { Fitness } from "./fitness.ts";
import type { Rest } from "./rest.ts";

/**
 * Where an instance is in its life:
 *
 *     starting ──listening──▶ connecting ──SETTINGS──▶ preparing (/initialize, first health check)
 *        │                        │                        │
 *        │ failed, given up       │                        ▼
 *        │                        │                     serving ──redeploy, timeout──▶ draining (no new calls)
 *        │                        │                        │ idle for long                │ last call ended
 *        │                        │                        ▼                              │
 *        ▼                        ▼                     leaving (/pre-stop) ◀─────────────┘
 *     stopping ◀──────────────────┴────────────────────────┘
 *        │
 *        └──exited (as from any other state)──▶ gone
 *
 * `preparing` and `leaving` are passed by where nothing is configured; losing the link leads from wherever there is one
 * to `stopping`. One that is serving may sleep (rest.ts), be unhealthy (fitness.ts) or connect anew: how it can serve a
 * call then is told by `Instance.availability`.
 */
export type InstanceState<L extends Link> =
  | { readonly kind: "starting" }
  | { readonly kind: "connecting"; readonly link: L }
  | { readonly kind: "preparing"; readonly link: L; readonly fitness: Fitness }
  | Settled<L, "serving" | "draining" | "leaving">
  | { readonly kind: "stopping" }
  | { readonly kind: "gone" };

/** A state in or after the time in which it takes calls. */
export interface Settled<L extends Link, Kind extends string> {
  readonly kind: Kind;
  readonly link: L;
  readonly fitness: Fitness;
  readonly rest: Rest;
}

/** The link of an instance in `state`; throws where it has none, as that is a mistake of who asks. */
export function linkOf<L extends Link>(state: InstanceState<L>, wanted: string): L {
  if (!("link" in state)) throw new Error(`Cannot ${wanted} an instance that is ${state.kind}`);
  return state.link;
}

/** How an instance can serve a call: now; soon, by itself; when it is woken; not at all. */
export type Availability = "now" | "soon" | "asleep" | "none";
