/**
 * Waits until a socket of an instance listens on its port on all interfaces, by looking, never by connecting; and says
 * soon and in words when it listens elsewhere.
 */
import type { Clock, WakeUp } from "../../base/base.ts";
import type { ListeningSocket } from "../host/listening-sockets.ts";

/** What the listening sockets of an instance amount to. */
export type Verdict =
  | { readonly kind: "ready" }
  | { readonly kind: "silent" }
  /** It listens, but not where it should; `reason` says how. */
  | { readonly kind: "elsewhere"; readonly reason: string };

export interface WatchOptions {
  readonly clock: Clock;
  /** Asked at every look. */
  readonly look: () => Verdict | Promise<Verdict>;
  readonly limitMs: number;
  /** How much of the limit had passed before it began. */
  readonly spentMs: number;
  /** How long one and the same wrong verdict may last. */
  readonly wrongListenGraceMs: number;
  readonly onReady: () => void;
  /** The last verdict's reason, or that there was none within the limit. */
  readonly onFailed: (reason: string) => void;
  /** No look comes any more, whoever ended it; called once, before the two above. */
  readonly onEnd: () => void;
}

/** Quick at first, since a fast program listens within milliseconds; then the cost of looking matters more. */
const PACE = [
  { untilMs: 100, delayMs: 1 },
  { untilMs: 1_000, delayMs: 4 },
  { untilMs: 10_000, delayMs: 20 },
  { untilMs: Number.POSITIVE_INFINITY, delayMs: 100 },
] as const;

/** Judges sockets that all belong to the instance. `port` is named caPort, as the function's author knows it. */
export function judge(sockets: readonly ListeningSocket[], port: number): Verdict {
  const onPort = sockets.filter((socket) => socket.port === port);
  if (onPort.some((socket) => socket.address === "0.0.0.0" || socket.address === "::")) return { kind: "ready" };
  const here = onPort[0];
  if (here !== undefined) {
    return { kind: "elsewhere", reason: `it listens on ${here.address}:${port} only: listen on 0.0.0.0:${port}` };
  }
  if (sockets.length === 0) return { kind: "silent" };
  const ports = [...new Set(sockets.map((socket) => socket.port))].sort((a, b) => a - b).join(", ");
  return { kind: "elsewhere", reason: `it listens on ${ports}, but caPort is ${port}` };
}

/** Begins to look; the returned function ends it. Exactly one of `onReady` and `onFailed` is called, or none. */
export function watchListening(options: WatchOptions): () => void {
  const { clock } = options;
  const startedAt = clock.nowMs();
  let wakeUp: WakeUp | undefined;
  let ended = false;
  let wrong: { readonly reason: string; readonly sinceAt: number } | undefined;

  const end = () => {
    if (ended) return;
    ended = true;
    wakeUp?.cancel();
    options.onEnd();
  };
  const decide = (verdict: Verdict): void => {
    if (ended) return;
    const nowMs = clock.nowMs();
    if (verdict.kind === "ready") {
      end();
      options.onReady();
      return;
    }
    if (verdict.kind === "silent") wrong = undefined;
    else if (wrong?.reason !== verdict.reason) wrong = { reason: verdict.reason, sinceAt: nowMs };
    const isOver = nowMs - startedAt + options.spentMs >= options.limitMs;
    const isWrongForLong = wrong !== undefined && nowMs - wrong.sinceAt >= options.wrongListenGraceMs;
    if (isOver || isWrongForLong) {
      end();
      options.onFailed(wrong?.reason ?? `it did not listen within ${Math.round(options.limitMs / 100) / 10} s`);
      return;
    }
    const pace = PACE.find(({ untilMs }) => nowMs - startedAt < untilMs) ?? PACE[PACE.length - 1]!;
    wakeUp = clock.wakeAfter(Math.min(pace.delayMs, startedAt + options.limitMs - options.spentMs - nowMs), look);
  };
  const look = (): void => {
    const verdict = options.look();
    if (verdict instanceof Promise) void verdict.then(decide);
    else decide(verdict);
  };
  look();
  return end;
}
