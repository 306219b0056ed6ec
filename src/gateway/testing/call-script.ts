/** Random calls as scripts: what the client does, and what the function does. `ScriptPlayer` plays them. */
import fc from "fast-check";

/** One name may have several values; they are sent as fields of their own. */
export type Metadata = Readonly<Record<string, readonly string[]>>;

/** A message, and the pause before it; 0 is none. */
export interface Step {
  readonly sizeBytes: number;
  readonly pauseMs: number;
}

export type Finish =
  | { readonly kind: "trailers" | "trailersOnly"; readonly status: number; readonly message: string }
  /** RST_STREAM instead of any answer, once the request is there. */
  | { readonly kind: "reset"; readonly code: number }
  /** The function never ends the call; the client cancels when it has all messages. */
  | { readonly kind: "cancelled" };

export interface CallScript {
  readonly metadata: Metadata;
  readonly requests: readonly Step[];
  /** The request ends with an empty frame of its own. */
  readonly endsApart: boolean;
  /** Share of the request that the function awaits before it answers; 1 awaits its end as well. */
  readonly awaitedRatio: number;
  readonly head: Metadata;
  readonly responses: readonly Step[];
  readonly trailers: Metadata;
  readonly finish: Finish;
}

// Around a frame of 16 KiB, the windows of node:http2 (64 KiB) and the gateway's (256 KiB).
const SIZES = [0, 1, 5, 100, 16_384, 16_385, 65_535, 65_536, 70_000, 300_000];
const STATUSES = [...Array.from({ length: 18 }, (_, status) => status), 1000];
/** INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY. REFUSED_STREAM is another matter: it is replayed. */
const RESET_CODES = [2, 8, 11, 12];

const step: fc.Arbitrary<Step> = fc.record({
  sizeBytes: fc.oneof({ weight: 3, arbitrary: fc.nat(200) }, fc.constantFrom(...SIZES)),
  pauseMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
});

const metadata: fc.Arbitrary<Metadata> = fc.dictionary(
  fc.constantFrom("x-a", "x-b", "note", "long", "a-bin", "b-bin"),
  fc.array(
    fc.oneof(
      fc.base64String({ maxLength: 40 }),
      fc.base64String({ maxLength: 40 }).map((text) => text.replace(/=+$/, "")),
      fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => encodeURIComponent(text)),
      fc.constantFrom("a, b,c", "x".repeat(3000), "100% %zz", "caf\u00e9"),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  { maxKeys: 3 },
);

const ended = {
  status: fc.constantFrom(...STATUSES),
  message: fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => encodeURIComponent(text)),
};
const finish: fc.Arbitrary<Finish> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("trailers" as const), ...ended }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("trailersOnly" as const), ...ended }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const), code: fc.constantFrom(...RESET_CODES) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "cancelled" as const }) },
);

export const callScript: fc.Arbitrary<CallScript> = fc.record({
  metadata,
  requests: fc.array(step, { maxLength: 5 }),
  endsApart: fc.boolean(),
  awaitedRatio: fc.constantFrom(0, 0.5, 1),
  head: metadata,
  responses: fc.array(step, { maxLength: 5 }),
  trailers: metadata,
  finish,
});
