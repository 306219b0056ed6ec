import type { Role } from "./contract.ts";
import { STREAM_ID_MAX } from "./frames.ts";
import type { ConnectionOptions } from "./options.ts";
import type { OpenStream } from "./stream.ts";
import { StreamMap } from "./stream-map.ts";
import { Half } from "./stream-state.ts";

/** Ranges of stream ids that a peer passed over, remembered to tell "never used" from "closed". */
const SKIPPED_RANGES = 16;

/** What a stream id that is not open stands for. */
export type ClosedKind = "idle" | "skipped" | "late" | "closed";

/** The streams of a connection: those that are open, and what can be said of the ids of the others. */
export class StreamTable {
  readonly options: ConnectionOptions;
  /** Counts the ticks: the time in which a stream's window may prove too small. */
  period = 0;
  /** The highest id that was opened, by whichever side opens streams here. */
  highestId: number;
  readonly #open = new StreamMap();
  /** Streams that we reset before the peer had ended them: its frames may still be on their way (RFC 9113 §5.1). */
  readonly #late = new Set<number>();
  readonly #skipped: { from: number; to: number }[] = [];
  readonly #onRemove: (endedWell: boolean) => void;

  /** `onRemove` is told of each stream that leaves, and whether both sides ended it. */
  constructor(role: Role, options: ConnectionOptions, onRemove: (endedWell: boolean) => void) {
    this.options = options;
    // Streams come from the client and have odd ids; the server's even ones would be pushes, which do not exist here.
    this.highestId = role === "server" ? 0 : -1;
    this.#onRemove = onRemove;
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: number): OpenStream | undefined {
    return this.#open.get(id);
  }

  /** All open streams, as they are now. */
  all(): OpenStream[] {
    return this.#open.all();
  }

  get nextLocalId(): number {
    return this.highestId + 2;
  }

  get idsAreExhausted(): boolean {
    return this.nextLocalId > STREAM_ID_MAX;
  }

  add(stream: OpenStream): void {
    this.#open.add(stream);
  }

  remove(stream: OpenStream): void {
    if (!this.#open.delete(stream)) return;
    if (stream.isReset && stream.remote !== Half.CLOSED) this.rememberLate(stream.id);
    this.#onRemove(!stream.isReset);
  }

  /** The peer opened `id`, above all before it. */
  openedByPeer(id: number): void {
    const expected = this.highestId === 0 ? 1 : this.highestId + 2;
    if (id > expected) {
      if (this.#skipped.length === SKIPPED_RANGES) this.#skipped.shift();
      this.#skipped.push({ from: expected, to: id - 2 });
    }
    this.highestId = id;
  }

  rememberLate(id: number): void {
    if (this.#late.size >= this.options.resetStreamsRemembered) {
      for (const oldest of this.#late) {
        this.#late.delete(oldest);
        break;
      }
    }
    this.#late.add(id);
  }

  /** The peer's side of a stream that we reset has ended as well: nothing may follow. */
  forgetLate(id: number): void {
    this.#late.delete(id);
  }

  /** What `id`, which is not open, stands for. */
  closedKind(id: number): ClosedKind {
    if (this.#late.has(id)) return "late";
    if ((id & 1) === 0 || id > this.highestId) return "idle";
    return this.#skipped.some((range) => id >= range.from && id <= range.to) ? "skipped" : "closed";
  }
}
