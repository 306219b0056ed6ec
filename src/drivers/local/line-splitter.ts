/** Longest line that is kept: Function Compute's limit of one log entry. */
export const LINE_BYTES_MAX = 32 * 1024;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Cuts a byte stream into lines. What a line has beyond the limit is left out; bytes that are no UTF-8 are replaced. */
export class LineSplitter {
  readonly #line: (text: string) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  write(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      this.#keep(chunk.subarray(from, end));
      this.#emit();
      from = end + 1;
    }
    // A copy: the rest of a line may wait for long, and a view would hold the whole chunk.
    if (from < chunk.length) this.#keep(Buffer.from(chunk.subarray(from)));
  }

  /** Hands out a last line that has no end. */
  end(): void {
    if (this.#bytes > 0) this.#emit();
  }

  #keep(part: Buffer): void {
    const room = LINE_BYTES_MAX - this.#bytes;
    if (room <= 0 || part.length === 0) return;
    const kept = part.length > room ? part.subarray(0, room) : part;
    this.#parts.push(kept);
    this.#bytes += kept.length;
  }

  #emit(): void {
    let line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    if (line.length > 0 && line[line.length - 1] === CARRIAGE_RETURN) line = line.subarray(0, -1);
    this.#parts = [];
    this.#bytes = 0;
    this.#line(line.toString("utf8"));
  }
}
