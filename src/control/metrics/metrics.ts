/** `GET /metrics`: what the main loop counts and how it stands, in Prometheus' text format. */
import { type Context, Hono } from "hono";
import type { MainCounts } from "../../model/model.ts";
import type { ApiEnv } from "../http/env.ts";
import type { StatusBoard } from "../status-board.ts";
import { METRICS, type Sample, type Sources } from "./metric-table.ts";

export const METRICS_PATH = "/metrics";

/** Nothing has been counted yet. */
const NO_COUNTS: MainCounts = {
  refusals: {},
  clientConnections: 0,
  openCalls: 0,
  endedCalls: {},
  platformEndedCalls: {},
  droppedReports: 0,
};

export class Metrics {
  readonly #board: StatusBoard;
  #counts = NO_COUNTS;

  constructor(board: StatusBoard) {
    this.#board = board;
  }

  /** What the main loop said last. */
  update(counts: MainCounts): void {
    this.#counts = counts;
  }

  /** The route of METRICS_PATH. */
  route(): Hono<ApiEnv> {
    return new Hono<ApiEnv>().get("/", (c) => this.#answer(c));
  }

  async #answer(c: Context<ApiEnv>): Promise<Response> {
    // Loaded for whoever asks: it brings four packages with it.
    const { Counter, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const sources: Sources = { counts: this.#counts, board: this.#board };
    for (const [name, { type, label, meaning, read }] of Object.entries(METRICS)) {
      const options = { name, help: meaning, labelNames: label === undefined ? [] : [label], registers: [registry] };
      const samples: readonly Sample[] = read(sources);
      if (type === "counter") {
        const counter = new Counter(options);
        for (const { of, value } of samples) counter.inc(labelsOf(label, of), value);
      } else {
        const gauge = new Gauge(options);
        for (const { of, value } of samples) gauge.set(labelsOf(label, of), value);
      }
    }
    return c.body(await registry.metrics(), 200, { "content-type": registry.contentType });
  }
}

function labelsOf(label: string | undefined, of: string | undefined): Record<string, string> {
  return label === undefined || of === undefined ? {} : { [label]: of };
}

export { METRICS };
