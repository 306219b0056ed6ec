import type { Dice } from "./dice.ts";

/** When calls come, in milliseconds of simulated time. */
export interface Arrivals {
  /** When the next call comes, after one at `nowMs`. */
  nextAt(nowMs: number): number;
}

/** Calls that do not know of each other. */
export function steady(dice: Dice, perSecond: number): Arrivals {
  return { nextAt: (nowMs) => nowMs + dice.exponential(1000 / perSecond) };
}

/** Busy times of many calls, then nothing; both of exponential length. */
export function onOff(
  dice: Dice,
  shape: { readonly onMs: number; readonly offMs: number; readonly perSecond: number },
): Arrivals {
  let onUntil = Number.NEGATIVE_INFINITY;
  return {
    nextAt(nowMs) {
      let at = nowMs + dice.exponential(1000 / shape.perSecond);
      if (at > onUntil) {
        at = Math.max(nowMs, onUntil) + dice.exponential(shape.offMs);
        onUntil = at + dice.exponential(shape.onMs);
      }
      return at;
    },
  };
}

/** A rate that goes up and down once a day as a sine does, from next to nothing to twice its mean. */
export function diurnal(
  dice: Dice,
  shape: { readonly perSecond: number; readonly dayMs: number; readonly peakAtMs: number },
): Arrivals {
  const shareAt = (atMs: number) => (1 + Math.cos((2 * Math.PI * (atMs - shape.peakAtMs)) / shape.dayMs)) / 2;
  return {
    // Thinning (Lewis and Shedler): calls at the highest rate, of which as many are kept as the moment asks for.
    nextAt(nowMs) {
      let at = nowMs;
      do at += dice.exponential(1000 / (2 * shape.perSecond));
      while (!dice.chance(shareAt(at)));
      return at;
    },
  };
}

/** Gaps between calls that are mostly short and now and then very long. */
export function heavyTail(
  dice: Dice,
  shape: { readonly gapMinMs: number; readonly alpha: number; readonly gapMaxMs: number },
): Arrivals {
  return { nextAt: (nowMs) => nowMs + dice.pareto(shape.gapMinMs, shape.alpha, shape.gapMaxMs) };
}

/** On every full period some calls at once, spread over a moment. */
export function cron(
  dice: Dice,
  shape: { readonly everyMs: number; readonly calls: number; readonly spreadMs: number },
): Arrivals {
  let left = 0;
  let slot = 0;
  return {
    nextAt(nowMs) {
      if (left === 0) {
        slot = Math.max(slot, Math.floor(nowMs / shape.everyMs)) + 1;
        left = shape.calls;
      }
      left -= 1;
      const step = shape.spreadMs / shape.calls;
      const at = slot * shape.everyMs + (shape.calls - 1 - left) * step + dice.between(0, step);
      return Math.max(nowMs, at);
    },
  };
}

/** How long a call takes. */
export type Duration = () => number;
