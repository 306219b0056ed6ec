import type { Channel, Logger } from "../base/base.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { ToMain, ToWorker } from "../model/model.ts";
import { fault, type InvocationAnswer, type InvocationId, type InvocationRequest } from "../model/model.ts";

/** Runs the events that a control plane sends, and sends back what came of them. */
export class InvocationDesk {
  readonly #gateway: Gateway;
  readonly #logger: Logger;
  readonly #open = new Map<InvocationId, AbortController>();

  constructor(gateway: Gateway, logger: Logger) {
    this.#gateway = gateway;
    this.#logger = logger;
  }

  async invoke(request: InvocationRequest, channel: Channel<ToWorker, ToMain>): Promise<void> {
    const { invocationId } = request;
    const controller = new AbortController();
    this.#open.set(invocationId, controller);
    const answer = await this.#gateway
      .invoke(request, controller.signal)
      .catch((error: unknown) => this.#failed(error));
    // A control plane that was started anew counts from the beginning.
    if (this.#open.get(invocationId) === controller) this.#open.delete(invocationId);
    channel.post({ type: "invoked", invocationId, answer });
  }

  cancel(invocationId: InvocationId): void {
    this.#open.get(invocationId)?.abort();
  }

  /** The control plane is gone, and with it whoever waited. */
  cancelAll(): void {
    for (const controller of this.#open.values()) controller.abort();
    this.#open.clear();
  }

  #failed(error: unknown): InvocationAnswer {
    this.#logger.error("An invocation failed by a bug of Sluice and was ended", { error });
    return { kind: "fault", fault: fault("Internal", "an internal error of Sluice") };
  }
}
