import { Timer, type TimerWheel } from "../../base/base.ts";
import type { HealthCheck } from "../../model/model.ts";
import type { InstanceAnswer, Link } from "../link.ts";

/** What a health watch tells its instance; each is told when it changes, the first time in any case. */
export interface HealthObserver {
  healthy(): void;
  /** `reason` speaks to people. */
  unhealthy(reason: string): void;
  /** Something that its developer should know. */
  remark(words: string): void;
}

/**
 * Checks one instance's health again and again, once started: the GET of customHealthCheckConfig, or
 * `grpc.health.v1.Health/Check` where the function answers the GET with gRPC; where it serves neither, it counts as
 * healthy and is left in peace. Function Compute, "Configure health checks for instances".
 */
export class HealthWatch extends Timer {
  readonly #check: HealthCheck;
  readonly #link: Link;
  readonly #wheel: TimerWheel;
  readonly #observer: HealthObserver;
  #asks: "http" | "grpcHealth" | "nothing" = "http";
  /** It has answered the GET. */
  #hasHttp = false;
  #isHealthy: boolean | undefined;
  /** Answers in a row that were other than what it counts as. */
  #successes = 0;
  #failures = 0;
  #running = false;
  #asking = false;

  constructor(check: HealthCheck, link: Link, wheel: TimerWheel, observer: HealthObserver) {
    super();
    this.#check = check;
    this.#link = link;
    this.#wheel = wheel;
    this.#observer = observer;
  }

  /** A check is on its way. */
  get isAsking(): boolean {
    return this.#asking;
  }

  /** The first check is made after the initial delay. */
  start(): void {
    this.#go(this.#check.initialDelayMs);
  }

  /** No check is made until `resume`; the answer of one that is on its way does not count. */
  pause(): void {
    this.#running = false;
    this.#wheel.disarm(this);
  }

  resume(): void {
    this.#go(this.#check.periodMs);
  }

  override fire(): void {
    if (this.#running && !this.#asking) void this.#ask();
  }

  #go(delayMs: number): void {
    this.#running = true;
    if (this.#asks !== "nothing") this.#wheel.arm(this, delayMs);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const answer = await this.#answer();
    this.#asking = false;
    if (!this.#running) return;
    this.#count(answer);
    if (this.#running && this.#asks !== "nothing") this.#wheel.arm(this, this.#check.periodMs);
  }

  async #answer(): Promise<InstanceAnswer> {
    const { path, timeoutMs } = this.#check;
    let get: InstanceAnswer | undefined;
    if (this.#asks === "http") {
      get = await this.#link.ask({ kind: "http", method: "GET", path, timeoutMs });
      this.#hasHttp ||= get.kind === "answered";
      // gRPC's C core (Python, C++, Ruby) resets every GET without a word, unlike other servers of gRPC.
      const isPerhapsGrpc = get.kind === "notServed" || (get.kind === "failed" && !this.#hasHttp);
      if (!isPerhapsGrpc) return get;
    }
    const answer = await this.#link.ask({ kind: "grpcHealth", timeoutMs });
    if (answer.kind === "failed" && get?.kind === "failed") return get;
    this.#asks = answer.kind === "notServed" ? "nothing" : "grpcHealth";
    if (answer.kind === "notServed") {
      this.#observer.remark(
        `a health check is configured, but the function serves neither GET ${path} nor grpc.health.v1: it is not checked`,
      );
    }
    return answer;
  }

  #count(answer: InstanceAnswer): void {
    const problem = this.#problemOf(answer);
    if (problem === undefined) {
      this.#successes += 1;
      this.#failures = 0;
      const isEnough = this.#successes >= this.#check.successThreshold || answer.kind === "notServed";
      if (this.#isHealthy === true || !isEnough) return;
      this.#isHealthy = true;
      this.#observer.healthy();
    } else {
      this.#failures += 1;
      this.#successes = 0;
      if (this.#isHealthy === false || this.#failures < this.#check.failureThreshold) return;
      this.#isHealthy = false;
      this.#observer.unhealthy(problem);
    }
  }

  /** Undefined: the answer is that of a healthy instance. */
  #problemOf(answer: InstanceAnswer): string | undefined {
    if (answer.kind === "notServed") return undefined;
    const asked = this.#asks === "grpcHealth" ? "grpc.health.v1.Health/Check" : `GET ${this.#check.path}`;
    if (answer.kind === "failed") return `${asked} failed: ${answer.detail}`;
    if (this.#asks === "grpcHealth") return answer.ok ? undefined : `${asked} said ${answer.detail}`;
    const { httpStatus } = answer;
    return httpStatus >= 200 && httpStatus < 400 ? undefined : `${asked} was answered with HTTP ${httpStatus}`;
  }
}
