/** Hears of the engine which containers the kernel has taken a process from for want of memory. */
import type { Readable } from "node:stream";
import { type Clock, sleep } from "../../base/base.ts";
import type { Engine } from "./engine.ts";

/** An engine that ends is asked again after this long. */
const RETRY_MS = 1_000;

export class OomWatch {
  readonly #containers = new Set<string>();
  readonly #clock: Clock;
  #stream: Readable | undefined;
  #isClosed = false;

  constructor(engine: Engine, clock: Clock) {
    this.#clock = clock;
    void this.#watch(engine);
  }

  has(containerId: string): boolean {
    return this.#containers.has(containerId);
  }

  forget(containerId: string): void {
    this.#containers.delete(containerId);
  }

  close(): void {
    this.#isClosed = true;
    this.#stream?.destroy();
  }

  async #watch({ docker }: Engine): Promise<void> {
    while (!this.#isClosed) {
      try {
        const events = await docker.getEvents({ filters: { type: ["container"], event: ["oom"] } });
        const stream = events as unknown as Readable;
        this.#stream = stream;
        if (this.#isClosed) stream.destroy();
        // One event a line (Docker Engine API, "Monitor events").
        for await (const chunk of stream) this.#add(String(chunk));
      } catch {
        // Without events the control groups and the peak of memory still tell.
      }
      await sleep(this.#clock, RETRY_MS);
    }
  }

  #add(lines: string): void {
    for (const [, id] of lines.matchAll(/"Actor":\s*\{"ID":\s*"([0-9a-f]{64})"/g)) this.#containers.add(id!);
  }
}
