import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Bounds of one function's log. */
export interface LogLimits {
  /** A file that would grow beyond it is put aside first. */
  readonly fileSizeMaxBytes: number;
  /** Files kept, the current one included. */
  readonly fileCount: number;
  /** Lines that wait for the disk; beyond it new ones are dropped. */
  readonly pendingMaxBytes: number;
}

export const LOG_LIMITS: LogLimits = {
  fileSizeMaxBytes: 10 * 1024 ** 2,
  fileCount: 5,
  pendingMaxBytes: 4 * 1024 ** 2,
};

/** Lines, each with its end. */
interface Lines {
  readonly lines: string;
  readonly count: number;
}

/** Takes lines (JSON, without line end) as they arrive. */
export type LineListener = (line: string) => void;

/** What stood in the files at one moment. */
export interface PastLog {
  /** Oldest first; each to be read from 0 to its size, and closed. */
  readonly files: readonly { readonly handle: FileHandle; readonly sizeBytes: number }[];
}

/**
 * One function's log: `<path>`, then `<path>.1` and so on, the higher the older. Disk work is done one piece after the
 * other; lines that arrive meanwhile wait and are written together.
 */
export class LogFile {
  readonly #path: string;
  readonly #limits: LogLimits;
  readonly #onDropped: (count: number, reason: string) => void;
  readonly #listeners = new Set<LineListener>();
  #queue: Promise<void> = Promise.resolve();
  #pending: Lines[] = [];
  #pendingBytes = 0;
  #drainQueued = false;
  /** Size of the current file; undefined until it was looked at. */
  #sizeBytes: number | undefined;

  constructor(path: string, limits: LogLimits, onDropped: (count: number, reason: string) => void) {
    this.#path = path;
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  /** Hands `count` lines, each with its end, to the listeners at once and to the disk soon. */
  append(lines: string, count: number): void {
    for (const listener of this.#listeners) eachLine(lines, listener);
    const sizeBytes = Buffer.byteLength(lines);
    if (this.#pendingBytes + sizeBytes > this.#limits.pendingMaxBytes) {
      this.#onDropped(count, "the disk is too slow");
      return;
    }
    this.#pending.push({ lines, count });
    this.#pendingBytes += sizeBytes;
    if (this.#drainQueued) return;
    this.#drainQueued = true;
    this.#enqueue(() => this.#drain());
  }

  /** Every line from now on goes to `listener`, none of the past ones; those are returned. Each line is in one of both. */
  attach(listener: LineListener): Promise<PastLog> {
    return this.#enqueue(async () => {
      const past = await this.#openAll();
      for (const { lines } of this.#pending) eachLine(lines, listener);
      this.#listeners.add(listener);
      return past;
    });
  }

  detach(listener: LineListener): void {
    this.#listeners.delete(listener);
  }

  /** Resolves when what was appended so far is written or dropped. */
  async flush(): Promise<void> {
    await this.#enqueue(async () => {});
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #drain(): Promise<void> {
    this.#drainQueued = false;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      for (const chunk of this.#chunks(pending)) await this.#write(chunk);
    } catch (error) {
      this.#sizeBytes = undefined;
      const count = pending.reduce((sum, each) => sum + each.count, 0);
      this.#onDropped(count, error instanceof Error ? error.message : String(error));
    }
  }

  /** Lines gathered into pieces that fit a file. */
  *#chunks(pending: readonly Lines[]): Generator<string> {
    let chunk = "";
    for (const { lines } of pending) {
      if (chunk !== "" && chunk.length + lines.length > this.#limits.fileSizeMaxBytes / 2) {
        yield chunk;
        chunk = "";
      }
      chunk += lines;
    }
    if (chunk !== "") yield chunk;
  }

  async #write(chunk: string): Promise<void> {
    const bytes = Buffer.from(chunk);
    if (this.#sizeBytes === undefined) this.#sizeBytes = await this.#prepare();
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes.length > this.#limits.fileSizeMaxBytes) {
      await this.#rotate();
      this.#sizeBytes = 0;
    }
    await using file = await open(this.#path, "a", 0o600);
    await file.appendFile(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Makes the folder, and ends a line that a crash or a full disk left half written. Returns the file's size. */
  async #prepare(): Promise<number> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await using file = await open(this.#path, "a+", 0o600);
    const { size } = await file.stat();
    if (size === 0) return 0;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === 0x0a) return size;
    await file.appendFile("\n");
    return size + 1;
  }

  async #rotate(): Promise<void> {
    await rm(this.#nameOf(this.#limits.fileCount - 1), { force: true });
    for (let age = this.#limits.fileCount - 2; age >= 0; age -= 1) {
      await rename(this.#nameOf(age), this.#nameOf(age + 1)).catch(ignoreMissing);
    }
  }

  async #openAll(): Promise<PastLog> {
    const files: { handle: FileHandle; sizeBytes: number }[] = [];
    for (let age = this.#limits.fileCount - 1; age >= 0; age -= 1) {
      const handle = await open(this.#nameOf(age), "r").catch(ignoreMissing);
      if (handle !== undefined) files.push({ handle, sizeBytes: (await handle.stat()).size });
    }
    return { files };
  }

  #nameOf(age: number): string {
    return age === 0 ? this.#path : `${this.#path}.${age}`;
  }
}

function eachLine(lines: string, listener: LineListener): void {
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf("\n", start);
    listener(lines.slice(start, end));
    start = end + 1;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
