import type { TimerWheel } from "../../base/base.ts";
import { type Fault, fault, type Revision } from "../../model/model.ts";
import type { Link } from "../link.ts";
import { HealthWatch } from "./health-watch.ts";
import { askHook, type Hook } from "./hooks.ts";

/** Who is told how an instance is. */
export interface FitnessObserver {
  /** Nothing is left to be done before its first call. */
  prepared(): void;
  unprepared(cause: Fault): void;
  /** After `prepared`: its health check fails, or passes again; `words` say so of the instance. */
  healthChanged(words: string): void;
  /** Something that the developer of the function should know. */
  remark(words: string): void;
}

/**
 * What is asked of one instance beside calls. Before the first one: /initialize, then health checks until the first
 * verdict (Function Compute, "Function instance lifecycle"); from then on its health, again and again.
 */
export class Fitness {
  /** False while its health check fails. */
  isHealthy = true;
  readonly #revision: Revision;
  readonly #link: Link;
  readonly #wheel: TimerWheel;
  readonly #observer: FitnessObserver;
  #watch: HealthWatch | undefined;
  #isPrepared = false;
  #isOver = false;

  constructor(revision: Revision, link: Link, wheel: TimerWheel, observer: FitnessObserver) {
    this.#revision = revision;
    this.#link = link;
    this.#wheel = wheel;
    this.#observer = observer;
  }

  /** A health check is on its way. */
  get isAsking(): boolean {
    return this.#watch?.isAsking ?? false;
  }

  /** Has it prepared; where there is nothing to ask, `prepared` comes at once. */
  begin(): void {
    const initialize = this.#revision.hooks?.initialize;
    if (initialize === undefined) this.#checkFirst();
    else void this.#initialize(initialize.timeoutMs);
  }

  /** It will not run for a while. */
  pause(): void {
    this.#watch?.pause();
  }

  resume(): void {
    this.#watch?.resume();
  }

  /** No calls come any more: its health does not matter. */
  end(): void {
    this.#isOver = true;
    this.#watch?.pause();
  }

  /** Asks for /pre-freeze or /pre-stop where that is switched on; a failure is told and changes nothing. */
  async hook(hook: Exclude<Hook, "initialize">, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const wanted = this.#revision.hooks?.[hook];
    if (wanted === undefined) return;
    const outcome = await askHook(this.#link, hook, Math.min(wanted.timeoutMs, limitMs));
    if (outcome.kind !== "done") this.#observer.remark(outcome.words);
  }

  async #initialize(timeoutMs: number): Promise<void> {
    const outcome = await askHook(this.#link, "initialize", timeoutMs);
    if (this.#isOver) return;
    if (outcome.kind === "failed") {
      this.#observer.unprepared(fault("InitializeFailed", outcome.words));
      return;
    }
    if (outcome.kind === "notServed") this.#observer.remark(outcome.words);
    this.#checkFirst();
  }

  #checkFirst(): void {
    const { healthCheck } = this.#revision;
    if (healthCheck === undefined) {
      this.#isPrepared = true;
      this.#observer.prepared();
      return;
    }
    this.#watch = new HealthWatch(healthCheck, this.#link, this.#wheel, {
      healthy: () => this.#verdict(undefined),
      unhealthy: (reason) => this.#verdict(reason),
      remark: (words) => this.#observer.remark(words),
    });
    this.#watch.start();
  }

  #verdict(problem: string | undefined): void {
    this.isHealthy = problem === undefined;
    if (!this.#isPrepared) {
      this.#isPrepared = true;
      if (problem === undefined) this.#observer.prepared();
      else this.#observer.unprepared(fault("HealthCheckFailed", problem));
      return;
    }
    this.#observer.healthChanged(
      problem === undefined ? "is healthy again" : `is unhealthy and gets no new calls: ${problem}`,
    );
  }
}
