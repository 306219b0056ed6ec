import type { Clock, WakeUp } from "../../base/base.ts";
import type { OutputLine, OutputSink } from "../driver.ts";

/** A line waits at most this long for others. */
const BATCH_MS = 20;
const BATCH_LINES_MAX = 500;

/** Gathers lines of all instances, so that a message to another loop carries many. */
export class OutputBatch {
  readonly #clock: Clock;
  readonly #sink: OutputSink;
  #lines: OutputLine[] = [];
  #wakeUp: WakeUp | undefined;

  constructor(clock: Clock, sink: OutputSink) {
    this.#clock = clock;
    this.#sink = sink;
  }

  add(line: OutputLine): void {
    this.#lines.push(line);
    if (this.#lines.length >= BATCH_LINES_MAX) this.flush();
    else this.#wakeUp ??= this.#clock.wakeAfter(BATCH_MS, () => this.flush());
  }

  flush(): void {
    this.#wakeUp?.cancel();
    this.#wakeUp = undefined;
    if (this.#lines.length > 0) this.#sink(this.#lines.splice(0));
  }
}
