import type { ErrorType } from "../../../src/model/model.ts";

/** What a call in one of evil's modes (test/fixtures/go/evil) may end with, and what it does to those beside it. */
export interface EvilMode {
  /** It may end with OK. */
  readonly ok: boolean;
  /** Or with one of these. */
  readonly errors: readonly ErrorType[];
  /** Or with this status, which is the function's own. */
  readonly ownStatus?: string;
  /** With what other calls of the same function may end that are open meanwhile. */
  readonly beside: readonly ErrorType[];
}

const NO_ANSWER: EvilMode = { ok: false, errors: ["BadResponse"], beside: [] };
const DEAD: EvilMode = { ok: false, errors: ["FunctionExited"], beside: ["FunctionExited"] };
const BROKEN_CONNECTION: EvilMode = { ok: false, errors: ["BadResponse"], beside: ["BadResponse"] };
/** Calls behind it are sent again, once: beside two such ends in a row one is refused for good (invariant 4). */
const RETIRES: EvilMode = { ok: true, errors: ["FunctionReset"], beside: ["FunctionReset"] };
const SLOW: EvilMode = { ok: false, errors: ["FunctionTimeout"], beside: [] };

export const EVIL_MODES: Readonly<Record<string, EvilMode>> = {
  "no-trailers": NO_ANSWER,
  "no-grpc-status": NO_ANSWER,
  "headers-only": NO_ANSWER,
  "huge-headers": NO_ANSWER,
  "early-trailers": { ok: false, errors: [], ownStatus: "FAILED_PRECONDITION", beside: [] },
  rst: { ok: false, errors: ["FunctionReset"], beside: [] },
  // Two that are refused at a time may each meet the other's turn when they are sent again.
  "rst-refuse-once": { ok: true, errors: ["FunctionReset"], beside: [] },
  "goaway-after": RETIRES,
  "goaway-during": RETIRES,
  "goaway-unseen": {
    ok: true,
    errors: ["FunctionReset", "FunctionExited"],
    beside: ["FunctionReset", "FunctionExited"],
  },
  "goaway-error": { ...DEAD, errors: ["FunctionExited", "FunctionReset"], beside: ["FunctionExited", "FunctionReset"] },
  "closes-connection": DEAD,
  dies: DEAD,
  "exits-in-call": DEAD,
  hangs: SLOW,
  "hangs-after-head": SLOW,
  "data-on-stream-0": BROKEN_CONNECTION,
  "oversized-frame": BROKEN_CONNECTION,
  "overflows-window": BROKEN_CONNECTION,
};
