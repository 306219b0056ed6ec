import { performance } from "node:perf_hooks";

/** Sources of time. Everything outside src/base asks one of these, so that tests run on fake time. */
export interface Clock {
  /** Monotonic milliseconds, with fractions, from an arbitrary origin. For every timer, timeout and bill. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch. For stamps that people read; may jump. */
  epochMs(): number;
  /** Calls `wake` once, about `delayMs` from now. Does not keep the process alive. */
  wakeAfter(delayMs: number, wake: () => void): WakeUp;
}

/** A pending call of `Clock.wakeAfter`. */
export interface WakeUp {
  cancel(): void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  wakeAfter(delayMs, wake) {
    const timer = setTimeout(wake, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `delayMs` of `clock`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      wakeUp.cancel();
      reject(signal?.reason);
    };
    const wakeUp = clock.wakeAfter(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
