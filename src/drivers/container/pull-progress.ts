import { systemClock } from "../../base/base.ts";

const TELL_MS = 1_000;
const BYTES_PER_MB = 1024 * 1024;

/** Of the many events of a pull, a line about once a second: how much of what is known to come has come. */
export class PullProgress {
  readonly #reference: string;
  readonly #tell: (line: string) => void;
  readonly #layers = new Map<string, { readonly current: number; readonly total: number }>();
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(reference: string, tell: (line: string) => void) {
    this.#reference = reference;
    this.#tell = tell;
    tell(`pulling ${reference}`);
  }

  /** An event of the engine's (Docker Engine API, "Create an image"): its `status`, a layer's `id`, `progressDetail`. */
  add(event: unknown): void {
    const { status, id, progressDetail } = event as {
      status?: string;
      id?: string;
      progressDetail?: { current?: number; total?: number };
    };
    if (status !== "Downloading" || id === undefined || progressDetail?.total === undefined) return;
    this.#layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
    const nowMs = systemClock.nowMs();
    if (nowMs - this.#toldAt < TELL_MS) return;
    this.#toldAt = nowMs;
    const layers = [...this.#layers.values()];
    const megabytes = (key: "current" | "total") =>
      Math.round(layers.reduce((sum, layer) => sum + layer[key], 0) / BYTES_PER_MB);
    this.#tell(`pulling ${this.#reference}: ${megabytes("current")} of ${megabytes("total")} MB`);
  }
}
