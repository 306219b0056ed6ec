/**
 * Front door of src/control: the control plane, which runs in the worker thread. It serves the API, keeps resources
 * and code packages, tells the main loop what to serve, and writes down what the main loop reports.
 */
import { getRequestListener } from "@hono/node-server";
import { newRequestId, type ToWorker } from "../model/model.ts";
import { createApi } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { Certificates } from "./certificates/certificates.ts";
import { errorBody, REQUEST_ID_HEADER } from "./http/answers.ts";
import { HttpServer } from "./http/http-server.ts";
import type { ControlPlaneOptions } from "./options.ts";
import { makeParts, type Parts } from "./parts.ts";
import { AllResources } from "./resources/resources.ts";

export { finishRestore } from "./backup/finish-restore.ts";
export type { BackupParts } from "./backup/parts.ts";
export { stageRestore } from "./backup/stage-restore.ts";
export type { ImageSource } from "./images/images.ts";
export { METRICS } from "./metrics/metrics.ts";
export { openApi } from "./operations/openapi.ts";
export { type Dialect, OPERATIONS, type Operation } from "./operations/operations.ts";
export type { ControlPlaneOptions, Credentials, EndpointInfo } from "./options.ts";

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #http: HttpServer;
  readonly #parts: Parts;
  readonly #certificates: Certificates;
  readonly #closed = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #wasRestored = false;

  private constructor(options: ControlPlaneOptions, parts: Parts, certificates: Certificates, http: HttpServer) {
    this.#options = options;
    this.#http = http;
    this.#parts = parts;
    this.#certificates = certificates;
    options.channel.onMessage((message) => this.#receive(message));
    options.channel.onClose(() => parts.publisher.mainGone());
  }

  /**
   * Posts the first snapshot, then listens; resolves when the API answers. Rejects with one line that says what is
   * wrong (a port in use, a data folder that cannot be written) with nothing left open but the store.
   */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { clock, logger, listen, acme } = options;
    const parts = await makeParts(options, () => certificates.look());
    const { repository, publisher, sweep, resources } = parts;
    const app = createApi(options, parts, () => void opened.close());
    const all = await AllResources.read(repository);
    await publisher.start(all);
    await sweep.now(all);
    const { customDomains } = resources;
    const certificates = await Certificates.open({ ...options, acme, repository, customDomains, gateway: publisher });
    const handle = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: malformed });
    const http = await HttpServer.listen({
      ...listen,
      handle: (request, response) => void handle(request, response),
      tls: listen.tls && { ...listen.tls, clock, logger },
    }).catch(async (error: unknown) => {
      await certificates.close();
      throw error;
    });
    sweep.start();
    certificates.look();
    const opened = new ControlPlane(options, parts, certificates, http);
    return opened;
  }

  /** Port that the API listens on, on every host. */
  get apiPort(): number {
    return this.#http.port;
  }

  /**
   * Resolves once it is closed, by `close` or by a `shutdown` message from the main loop (answered with `shutdown`
   * when all is written).
   */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Whether a backup has taken the place of what this control plane served: once it is closed. */
  get wasRestored(): boolean {
    return this.#wasRestored;
  }

  /** Ends the API, writes what is pending, closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { store, channel, logger } = this.#options;
    const { publisher, sweep, logs, usage, images, backups, invocations, uploads } = this.#parts;
    try {
      sweep.stop();
      uploads.close();
      await this.#certificates.close();
      images.close();
      invocations.close();
      publisher.mainGone();
      await this.#http.close();
      await logs.close();
      if (!backups.isCommitted) {
        await usage.flush().catch((error: unknown) => logger.error("Usage is lost: it cannot be stored", { error }));
      }
      await store.close();
      this.#wasRestored = await backups.finish(usage.pending);
    } finally {
      channel.post({ type: "shutdown" });
      channel.close();
      this.#closed.resolve();
    }
  }

  #receive(message: ToWorker): void {
    const { publisher, logs, usage, board, metrics, invocations } = this.#parts;
    switch (message.type) {
      case "applied":
        publisher.applied(message.at);
        break;
      case "resync":
        publisher.postSnapshot();
        break;
      case "events":
        logs.add(message.lines, message.calls);
        invocations.printed(message.lines);
        usage.add(message.usage);
        board.update(message.functions, message.gone);
        break;
      case "invoked":
        invocations.answered(message.invocationId, message.answer);
        break;
      case "counts":
        metrics.update(message.counts);
        break;
      case "shutdown":
        void this.close();
        break;
      default:
        throw new Error(`Unknown message ${JSON.stringify(message satisfies never)}`);
    }
  }
}

/** Of a request that cannot be made sense of before the app sees it: a Host header that is none, for instance. */
function malformed(): Response {
  const requestId = newRequestId();
  const error = new ApiError("InvalidArgument", "The request's host or path is malformed");
  return Response.json(errorBody(error, requestId), {
    status: error.status,
    headers: { [REQUEST_ID_HEADER]: requestId },
  });
}
