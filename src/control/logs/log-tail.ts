import type { FunctionKey, InstanceId, LogRecord } from "../../model/model.ts";

/** Function Compute: X-Fc-Log-Result holds the last 4 KB. */
const TAIL_MAX_BYTES = 4096;
/** Lines kept of a function: what its instances printed at last. */
const LINES_MAX = 10_000;

/** The last lines that a function prints while somebody looks at it. */
export class LogTail implements Disposable {
  readonly #key: FunctionKey;
  readonly #disposed: () => void;
  #lines: LogRecord[] = [];

  constructor(key: FunctionKey, disposed: () => void) {
    this.#key = key;
    this.#disposed = disposed;
  }

  add(lines: readonly LogRecord[]): void {
    for (const line of lines) if (line.function === this.#key) this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
  }

  /** What one instance printed at or after `sinceAt` (epoch ms): its last 4 KB. */
  of(instanceId: InstanceId, sinceAt: number): Buffer {
    const printed = this.#lines
      .filter((line) => line.instanceId === instanceId && line.at >= sinceAt)
      .filter(({ source }) => source === "stdout" || source === "stderr")
      .map(({ text }) => `${text}\n`)
      .join("");
    const bytes = Buffer.from(printed);
    return bytes.subarray(Math.max(0, bytes.length - TAIL_MAX_BYTES));
  }

  [Symbol.dispose](): void {
    this.#disposed();
  }
}
