/**
 * Reads what one instance prints. A function that prints without end costs a bounded rate of reading and of lines that
 * are passed on; the rest is counted, and the count takes the place of the lines.
 */
import type { Readable } from "node:stream";
import type { Clock } from "../../base/base.ts";
import type { FunctionKey, InstanceId } from "../../model/model.ts";
import type { OutputLine } from "../driver.ts";
import { LineSplitter } from "./line-splitter.ts";
import { OutputBudget } from "./output-budget.ts";

/** What a line costs beside its text: a log of empty lines is bounded too. */
const LINE_COST_BYTES = 64;
/** After a chunk for which there was no budget, the stream rests: 64 KiB each 5 ms, 13 MB/s, is the most we read. */
const REST_MS = 5;
const TAIL_BYTES_MAX = 4 * 1024;
/** At most this often the number of dropped lines is told. */
const DROPPED_NOTICE_MS = 1_000;

export interface OutputReaderOptions {
  readonly clock: Clock;
  readonly instanceId: InstanceId;
  readonly function: FunctionKey;
  readonly bytesPerSecond: number;
  /** What all instances together may spend. */
  readonly shared: OutputBudget;
  readonly sink: (line: OutputLine) => void;
}

export class OutputReader {
  readonly #options: OutputReaderOptions;
  readonly #budget: OutputBudget;
  readonly #splitters: LineSplitter[] = [];
  #tail: string[] = [];
  #tailBytes = 0;
  /** Lines dropped since that was last told. */
  #dropped = 0;
  #isOverBudget = false;
  #droppedToldAt = Number.NEGATIVE_INFINITY;

  constructor(options: OutputReaderOptions) {
    this.#options = options;
    this.#budget = new OutputBudget(options.clock, options.bytesPerSecond);
  }

  /** Reads `stream` to its end. */
  attach(stream: Readable, source: "stdout" | "stderr"): void {
    const splitter = new LineSplitter((text) => this.#line(source, text));
    this.#splitters.push(splitter);
    stream.on("data", (chunk: Buffer) => {
      this.#isOverBudget = false;
      splitter.write(chunk);
      if (!this.#isOverBudget) return;
      stream.pause();
      this.#options.clock.wakeAfter(REST_MS, () => stream.resume());
    });
    // A broken pipe ends the output; how the instance ends is told by its process.
    stream.on("error", () => {});
    // Whoever had the stream before may have paused it.
    stream.resume();
  }

  /** The end: hands out what is left. */
  end(): void {
    for (const splitter of this.#splitters.splice(0)) splitter.end();
    this.#tellDropped();
  }

  /** Last lines of standard error, at most 4 KB. */
  get stderrTail(): string {
    return this.#tail.join("\n");
  }

  #line(source: "stdout" | "stderr", text: string): void {
    if (source === "stderr") this.#keepTail(text);
    const bytes = Buffer.byteLength(text);
    const cost = bytes + LINE_COST_BYTES;
    if (!this.#budget.spend(cost) || !this.#options.shared.spend(cost)) {
      this.#isOverBudget = true;
      this.#dropped += 1;
      if (this.#options.clock.nowMs() - this.#droppedToldAt >= DROPPED_NOTICE_MS) this.#tellDropped();
      return;
    }
    this.#tellDropped();
    this.#emit(source, text);
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#emit("stderr", `[sluice] ${this.#dropped} lines dropped: the function prints more than is kept`);
    this.#dropped = 0;
    this.#droppedToldAt = this.#options.clock.nowMs();
  }

  #emit(source: "stdout" | "stderr", text: string): void {
    const { instanceId, function: key, clock } = this.#options;
    this.#options.sink({ instanceId, function: key, source, at: clock.epochMs(), text });
  }

  #keepTail(text: string): void {
    const kept =
      Buffer.byteLength(text) > TAIL_BYTES_MAX ? Buffer.from(text).subarray(-TAIL_BYTES_MAX).toString() : text;
    this.#tail.push(kept);
    this.#tailBytes += Buffer.byteLength(kept) + 1;
    while (this.#tailBytes > TAIL_BYTES_MAX + 1 && this.#tail.length > 1) {
      this.#tailBytes -= Buffer.byteLength(this.#tail.shift()!) + 1;
    }
  }
}
