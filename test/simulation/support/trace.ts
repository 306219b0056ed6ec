/** One line of what happened, put into words only when it is printed. */
interface TraceLine {
  at: number;
  what: string;
  who: string;
  detail: number;
}

/** The last events of a run, for when something goes wrong; noting one allocates nothing. */
export class Trace {
  readonly #lines: TraceLine[];
  #next = 0;

  constructor(length: number) {
    this.#lines = Array.from({ length }, () => ({ at: 0, what: "", who: "", detail: Number.NaN }));
  }

  note(at: number, what: string, who: string, detail = Number.NaN): void {
    const line = this.#lines[this.#next++ % this.#lines.length] as TraceLine;
    line.at = at;
    line.what = what;
    line.who = who;
    line.detail = detail;
  }

  /** Oldest first. */
  toString(): string {
    const { length } = this.#lines;
    const from = Math.max(0, this.#next - length);
    return Array.from({ length: this.#next - from }, (_, i) => {
      const { at, what, who, detail } = this.#lines[(from + i) % length] as TraceLine;
      const more = Number.isNaN(detail) ? "" : ` ${Math.round(detail * 1000) / 1000}`;
      return `${(at / 1000).toFixed(3).padStart(12)} s  ${who.padEnd(14)} ${what}${more}`;
    }).join("\n");
  }
}
