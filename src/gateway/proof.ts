import { Timer, type TimerWheel } from "../base/base.ts";

/** That a connection lives is to be shown within a time. */
export class Proof extends Timer {
  readonly answer: Promise<boolean>;
  readonly #wheel: TimerWheel;
  readonly #answered: (isProved: boolean) => void;
  readonly #onTimeout: () => void;

  constructor(wheel: TimerWheel, timeoutMs: number, onTimeout: () => void) {
    super();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.answer = promise;
    this.#answered = resolve;
    this.#wheel = wheel;
    this.#onTimeout = onTimeout;
    wheel.arm(this, timeoutMs);
  }

  end(isProved: boolean): void {
    this.#wheel.disarm(this);
    this.#answered(isProved);
  }

  override fire(): void {
    this.#onTimeout();
  }
}
