import type { Channel } from "../base/base.ts";
import {
  type FunctionKey,
  functionKey,
  type InvocationAnswer,
  type InvocationId,
  type InvocationRequest,
  type LogRecord,
  type ToMain,
  type ToWorker,
} from "../model/model.ts";
import { ApiError } from "./api-error.ts";
import { LogTail } from "./logs/log-tail.ts";
import type { QualifiedName } from "./resources/resources.ts";

/** The events that wait for the main loop's answer. */
export class Invocations {
  readonly #channel: Channel<ToMain, ToWorker>;
  readonly #serve: (name: QualifiedName) => Promise<void>;
  readonly #waiting = new Map<InvocationId, PromiseWithResolvers<InvocationAnswer>>();
  readonly #tails = new Set<LogTail>();
  #lastId = 0;

  /** `serve` resolves when the main loop can run a function under its qualifier. */
  constructor(channel: Channel<ToMain, ToWorker>, serve: (name: QualifiedName) => Promise<void>) {
    this.#channel = channel;
    this.#serve = serve;
  }

  /** `signal`: its caller went away. Rejects with ServiceUnavailable where Sluice stops before there is an answer. */
  async run(
    name: QualifiedName,
    event: Pick<InvocationRequest, "requestId" | "event">,
    signal: AbortSignal,
  ): Promise<InvocationAnswer> {
    await this.#serve(name);
    const key = functionKey(name.serviceName, name.functionName, name.qualifier);
    this.#lastId += 1;
    const invocationId = this.#lastId;
    const waiting = Promise.withResolvers<InvocationAnswer>();
    this.#waiting.set(invocationId, waiting);
    const cancel = () => this.#channel.post({ type: "cancelInvocation", invocationId });
    this.#channel.post({ type: "invoke", request: { ...event, function: key, invocationId } });
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel);
    try {
      return await waiting.promise;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#waiting.delete(invocationId);
    }
  }

  /** Gathers what the instances of a function print, until it is disposed of. */
  tail(key: FunctionKey): LogTail {
    const tail = new LogTail(key, () => this.#tails.delete(tail));
    this.#tails.add(tail);
    return tail;
  }

  // ---- from the main loop

  answered(invocationId: InvocationId, answer: InvocationAnswer): void {
    this.#waiting.get(invocationId)?.resolve(answer);
  }

  printed(lines: readonly LogRecord[]): void {
    for (const tail of this.#tails) tail.add(lines);
  }

  close(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new ApiError("ServiceUnavailable", "Sluice stopped before the function had answered: try again later"));
    }
  }
}
