import type { Link } from "./link.ts";

/**
 * Where an instance is in its life:
 *
 *     starting ──listening──▶ connecting ──ready──▶ ready ◀──▶ paused (GOAWAY: a new connection is being opened)
 *        │                        │                  │  │         │
 *        │ failed,                │ failed,          │  └─────────┴──▶ draining (no new calls)
 *        │ given up               │ given up         │ idle, lost           │ last call ended, lost
 *        ▼                        ▼                  ▼                      ▼
 *     stopping ◀──────────────────┴──────────────────┴──────────────────────┘
 *        │
 *        └──exited (as from any other state)──▶ gone
 */
export type InstanceState<L extends Link> =
  | { readonly kind: "starting" }
  | { readonly kind: "connecting"; readonly link: L }
  | { readonly kind: "ready"; readonly link: L }
  | { readonly kind: "paused"; readonly link: L }
  | { readonly kind: "draining"; readonly link: L }
  | { readonly kind: "stopping" }
  | { readonly kind: "gone" };

/** The link of an instance in `state`; throws where it has none, as that is a mistake of who asks. */
export function linkOf<L extends Link>(state: InstanceState<L>, wanted: string): L {
  if (!("link" in state)) throw new Error(`Cannot ${wanted} an instance that is ${state.kind}`);
  return state.link;
}
