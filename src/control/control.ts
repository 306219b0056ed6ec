/**
 * Front door of src/control: the control plane, which runs in the worker thread. It serves the API, keeps resources
 * and code packages, tells the main loop what to serve, and writes down what the main loop reports.
 */
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { newRequestId, type ToWorker } from "../model/model.ts";
import { ApiError } from "./api-error.ts";
import { AuditLog } from "./audit/audit-log.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { KeyRing } from "./auth/key-ring.ts";
import { Backups } from "./backup/backups.ts";
import type { BackupParts } from "./backup/parts.ts";
import { acmeFaultOf } from "./certificates/acme-rules.ts";
import { Certificates } from "./certificates/certificates.ts";
import { CodeLinks } from "./code/code-links.ts";
import { CodePackages } from "./code/code-packages.ts";
import { UploadedPackages } from "./code/uploaded-packages.ts";
import { CodeSweep } from "./code-sweep.ts";
import { fcDialects, isEvent, isOldInvocation, isUpload } from "./dialect/dialect.ts";
import { errorBody, REQUEST_ID_HEADER } from "./http/answers.ts";
import { createApp } from "./http/app.ts";
import type { BodyKind } from "./http/body-reader.ts";
import { codeDownloads, isCodeDownload } from "./http/code-download.ts";
import { HttpServer } from "./http/http-server.ts";
import { OPENAPI_PATH, openApiRoutes } from "./http/openapi-routes.ts";
import { CredentialVault } from "./images/credential-vault.ts";
import { Images } from "./images/images.ts";
import { Invocations } from "./invocations.ts";
import { FunctionLogs } from "./logs/function-logs.ts";
import { METRICS_PATH, Metrics } from "./metrics/metrics.ts";
import type { ControlPlaneOptions } from "./options.ts";
import type { ProjectionContext } from "./projection.ts";
import { Publisher } from "./publisher.ts";
import { AllResources, FunctionSources, Repository, Resources } from "./resources/resources.ts";
import { isArchive } from "./sluice-v1/backup.ts";
import { isZip } from "./sluice-v1/code-packages.ts";
import { SLUICE_PREFIX, sluiceV1 } from "./sluice-v1/sluice-v1.ts";
import { StatusBoard } from "./status-board.ts";
import { UsageJournal } from "./usage-journal.ts";
import { Vault } from "./vault.ts";

export { finishRestore } from "./backup/finish-restore.ts";
export type { BackupParts } from "./backup/parts.ts";
export { stageRestore } from "./backup/stage-restore.ts";
export type { ImageSource } from "./images/images.ts";
export { METRICS } from "./metrics/metrics.ts";
export { openApi } from "./operations/openapi.ts";
export { type Dialect, OPERATIONS, type Operation } from "./operations/operations.ts";
export type { ControlPlaneOptions, Credentials, EndpointInfo } from "./options.ts";

const APPLY_TIMEOUT_MS = 5000;

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #http: HttpServer;
  readonly #parts: Parts;
  readonly #closed = Promise.withResolvers<void>();
  #closing: Promise<void> | undefined;
  #wasRestored = false;

  private constructor(options: ControlPlaneOptions, parts: Parts, http: HttpServer) {
    this.#options = options;
    this.#http = http;
    this.#parts = parts;
    options.channel.onMessage((message) => this.#receive(message));
    options.channel.onClose(() => parts.publisher.mainGone());
  }

  /**
   * Posts the first snapshot, then listens; resolves when the API answers. Rejects with one line that says what is
   * wrong (a port in use, a data folder that cannot be written) with nothing left open but the store.
   */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { store, dataDir, credentials, clock, logger, endpoint, listen } = options;
    const repository = new Repository(store, credentials.accountId);
    const packages = await CodePackages.open(join(dataDir, "code"));
    const projection: ProjectionContext = {
      accountId: credentials.accountId,
      codeDirOf: (sha256) => packages.dirOf(sha256),
    };
    const vault = new Vault(join(dataDir, "registry-credentials.key"));
    const keyRing = new KeyRing(credentials, repository, vault, logger);
    const publisher = new Publisher({
      ...options,
      repository,
      keyRing,
      context: projection,
      applyTimeoutMs: options.applyTimeoutMs ?? APPLY_TIMEOUT_MS,
    });
    const logs = new FunctionLogs(join(dataDir, "logs"), clock, logger);
    const stored = (count: number) => options.channel.post({ type: "usageStored", count });
    const usage = new UsageJournal({ store, accountId: credentials.accountId, clock, logger, stored });
    const board = new StatusBoard();
    const metrics = new Metrics(board);
    const images = new Images({ source: options.images, dockerConfigFile: options.dockerConfigFile, clock });
    const sources = new FunctionSources({ packages, images, vault: new CredentialVault(vault) });
    const { domainCa, acme } = options;
    const acmeRules = {
      faultOf: (domainName: string) => acmeFaultOf(acme, domainName),
      asked: () => certificates.look(),
    };
    const { accountId } = credentials;
    const parts: BackupParts = { dataDir, storeFile: options.storeFile, openStore: options.openStore };
    const backups = new Backups({ parts, store, packages, accountId, clock, committed: () => publisher.mainGone() });
    const written = { store, repository, listener: publisher };
    const resources = new Resources({ ...written, sources, keyRing, vault, endpoint, domainCa, acmeRules, clock });
    const invocations = new Invocations(options.channel, (name) =>
      publisher.serve(name, (work) => resources.alone(work)),
    );
    const codeLinks = new CodeLinks(clock);
    const authenticator = new Authenticator(keyRing, clock);
    const audit = new AuditLog(join(dataDir, "audit.log"), logger);
    const uploads = new UploadedPackages(clock);
    const app = createApp({
      authenticator,
      audit,
      clock,
      listenHosts: listen.hosts,
      logger,
      packages,
      bodyKind,
      isPresigned: isCodeDownload,
      isOpen: (method, path) =>
        isOldInvocation(path) || (method === "GET" && (path === METRICS_PATH || path.startsWith(`${OPENAPI_PATH}/`))),
    });
    app.route(
      "/",
      fcDialects({ resources, endpoint, accountId: credentials.accountId, board, invocations, codeLinks, clock }),
    );
    app.route(
      SLUICE_PREFIX,
      sluiceV1({
        store,
        repository,
        resources,
        projection,
        publisher,
        board,
        logs,
        audit,
        usage,
        images,
        endpoint,
        backups,
        packages,
        uploads,
        goOver: () => void opened.close(),
      }),
    );
    app.route(METRICS_PATH, metrics.route());
    app.route(OPENAPI_PATH, openApiRoutes());
    app.route("/", codeDownloads(packages, codeLinks));
    const sweep = new CodeSweep({ packages, repository, publisher, board, clock, logger });
    const all = await AllResources.read(repository);
    await publisher.start(all);
    await sweep.now(all);
    const { customDomains } = resources;
    const certificates = await Certificates.open({
      repository,
      customDomains,
      domainCa,
      acme,
      dataDir,
      clock,
      logger,
      gateway: publisher,
    });
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
    const kept = { publisher, logs, usage, board, metrics, sweep, images, backups, certificates, invocations, uploads };
    const opened = new ControlPlane(options, kept, http);
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
    const { publisher, sweep, logs, usage, images, backups, certificates, invocations, uploads } = this.#parts;
    try {
      sweep.stop();
      uploads.close();
      await certificates.close();
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

function bodyKind(method: string, path: string): BodyKind | "stream" {
  if (isArchive(method, path)) return "stream";
  if (isEvent(method, path)) return "event";
  if (isZip(method, path)) return "zip";
  return isUpload(method, path) ? "function" : "json";
}

/** What messages of the main loop go to. */
interface Parts {
  readonly publisher: Publisher;
  readonly logs: FunctionLogs;
  readonly usage: UsageJournal;
  readonly board: StatusBoard;
  readonly metrics: Metrics;
  readonly sweep: CodeSweep;
  readonly images: Images;
  readonly backups: Backups;
  readonly certificates: Certificates;
  readonly invocations: Invocations;
  readonly uploads: UploadedPackages;
}
