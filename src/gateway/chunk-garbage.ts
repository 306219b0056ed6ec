/**
 * The memory of chunks that sockets read lies outside V8's heap, of which V8 knows only the sum: when that has grown by
 * 64 MiB it begins a full collection (30 to 60 ms of CPU, several times a second with large messages), though nearly all
 * of it hangs on objects that died young. So the gateway asks for a collection of young objects (1 ms) before that.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes of chunks after which young objects are collected: well below V8's 64 MiB. Larger values measured worse. */
const COLLECT_AFTER_BYTES = 8 * 1024 * 1024;

/** Smaller chunks come with so many objects that V8 collects young ones often enough by itself. */
const LARGE_CHUNK_BYTES = 4096;

/** Counts the chunks of all sockets of this process. */
export class ChunkGarbage {
  #bytes = 0;
  readonly #collect: () => void;

  constructor(collect: () => void = collectYoung) {
    this.#collect = collect;
  }

  /** A chunk of `bytes` was read, and has been handled. */
  received(bytes: number): void {
    if (bytes < LARGE_CHUNK_BYTES) return;
    this.#bytes += bytes;
    if (this.#bytes < COLLECT_AFTER_BYTES) return;
    this.#bytes = 0;
    this.#collect();
  }
}

type Collect = (options: { readonly type: "minor" | "major"; readonly flavor?: "last-resort" }) => void;

/** V8's own function; made when it is first needed, since that costs a context. */
let collect: Collect | undefined;

/** Frees what young objects hold that nothing refers to any more. */
export function collectYoung(): void {
  collect ??= exposedCollect();
  collect({ type: "minor" });
}

/** Frees all that nothing refers to, and gives the memory back to the system: takes as long as the heap is large. */
export function collectAll(): void {
  collect ??= exposedCollect();
  collect({ type: "major", flavor: "last-resort" });
}

/** New contexts get a function `gc` while the flag is set; where a V8 gives none, memory is collected as V8 likes. */
function exposedCollect(): Collect {
  setFlagsFromString("--expose-gc");
  const exposed: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  return typeof exposed === "function" ? (exposed as Collect) : () => {};
}
