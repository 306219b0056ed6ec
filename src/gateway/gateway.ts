/**
 * Front door of src/gateway: TLS from clients, HTTP/2 to instances, and the calls between them. It serves its last
 * data-plane state whatever becomes of the control plane.
 */
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Clock, type Logger, type Random, Roster, systemRandom, TimerWheel, type WakeUp } from "../base/base.ts";
import type { DriverInstance } from "../drivers/driver.ts";
import { type ConnectionOptions, connectionOptions } from "../h2/h2.ts";
import type { BusyMeter } from "../metering/metering.ts";
import {
  type AccessKeyEntry,
  type CallEnded,
  type CertificateEntry,
  type ChallengeEntry,
  type ErrorType,
  type Fault,
  type FunctionKey,
  fault,
  type InstanceId,
  type InvocationAnswer,
  type InvocationRequest,
  type Revision,
  type RouteEntry,
} from "../model/model.ts";
import type { LinkFactory, LinkObserver, Scheduler } from "../scheduler/scheduler.ts";
import type { Call } from "./call.ts";
import { CallSignatures } from "./call-signatures.ts";
import { ChunkGarbage, collectAll } from "./chunk-garbage.ts";
import { ClientAdmission } from "./client-admission.ts";
import { ClientConnection, type ClientConnectionContext } from "./client-connection.ts";
import { FlushQueue } from "./flush-queue.ts";
import { runtimeHeaders } from "./forwarded-head.ts";
import { InstanceLink } from "./instance-link.ts";
import { Invocation } from "./invocation.ts";
import { type GatewayLimits, gatewayLimits } from "./limits.ts";
import { Listener } from "./listener.ts";
import { ByteBudget } from "./memory-budget.ts";
import { MemoryGuard } from "./memory-guard.ts";
import { Refusals } from "./refusals.ts";
import { RouteTable } from "./routes.ts";
import { CertificateStore, type OwnCertificates } from "./tls/certificate-store.ts";
import { TurnQueue } from "./turn-queue.ts";

export type { InstanceLink } from "./instance-link.ts";
export { GATEWAY_LIMITS, type GatewayLimits } from "./limits.ts";
export { issueDomainCertificate } from "./tls/domains-ca.ts";
export { type LocalCa, loadOrCreateLocalCa } from "./tls/local-ca.ts";

/** How often connections are told the time. */
const TICK_MS = 1000;

/** Ends of calls that are refusals by a limit of the platform, not the function's or the client's doing. */
const REFUSING: ReadonlySet<ErrorType> = new Set(["ResourceExhausted", "StalledUnderPressure", "Unavailable"]);

export interface GatewayOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly region: string;
  readonly certificates: OwnCertificates;
  /** Function that a call by IP address finds only where there is no other. */
  readonly demo?: FunctionKey;
  /** Limits of the gateway as a whole, by name. */
  readonly limits?: Partial<GatewayLimits>;
  /** Default: the system's. */
  readonly random?: Random;
  /** Memory that this process takes. Default: what the system says (RSS). */
  readonly residentBytes?: () => number;
  /** Limits of connections from clients and to instances, by name. */
  readonly clientLimits?: Partial<ConnectionOptions>;
  readonly instanceLimits?: Partial<ConnectionOptions>;
  /** Makes the meter of an instance. */
  meterOf(instanceId: InstanceId, revision: Revision): BusyMeter;
  callEnded(ended: CallEnded): void;
}

export class Gateway implements LinkFactory<InstanceLink> {
  /** What was refused, by token, since the start. */
  readonly refusals: Refusals;
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #admission: ClientAdmission;
  readonly #memoryGuard: MemoryGuard;
  readonly #wheel: TimerWheel;
  readonly #routes: RouteTable;
  readonly #callSignatures: CallSignatures;
  readonly #certificates: CertificateStore;
  readonly #listener: Listener;
  readonly #clients = new Set<ClientConnection>();
  readonly #links = new Set<InstanceLink>();
  readonly #openCalls = new Roster<Call>();
  readonly #transportContext: Pick<
    ClientConnectionContext,
    "flushQueue" | "turnQueue" | "wheel" | "clock" | "garbage" | "connectionFailed"
  >;
  readonly #instanceOptions: ConnectionOptions;
  #clientContext: ClientConnectionContext | undefined;
  #tickWakeUp: WakeUp | undefined;
  #onIdle: (() => void) | undefined;
  readonly #answersBudget: ByteBudget;
  #invocations = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = gatewayLimits(options.limits);
    this.#admission = new ClientAdmission(this.#limits);
    this.#answersBudget = new ByteBudget(this.#limits.invocationAnswersMaxBytes);
    this.refusals = new Refusals(options.clock, options.logger);
    const failed = (what: string) => (error: unknown) => options.logger.error(what, { error });
    const connectionFailed = failed("A connection failed by a bug of Sluice and was ended");
    this.#wheel = new TimerWheel(options.clock, failed("A timer failed by a bug of Sluice"));
    this.#routes = new RouteTable(options.demo);
    this.#callSignatures = new CallSignatures(options.clock);
    this.#certificates = new CertificateStore(options.certificates);
    this.#transportContext = {
      flushQueue: new FlushQueue(options.clock, connectionFailed),
      turnQueue: new TurnQueue(),
      wheel: this.#wheel,
      clock: options.clock,
      garbage: new ChunkGarbage(),
      connectionFailed,
    };
    const memoryBudget = new ByteBudget(this.#limits.windowMemoryMaxBytes);
    const { instanceLimits } = options;
    // Instances are on this machine: a larger window would be but a longer queue before a slow client.
    const { streamWindowBytes } = connectionOptions(instanceLimits ?? {});
    const streamWindowMaxBytes = streamWindowBytes;
    this.#instanceOptions = connectionOptions({ memoryBudget, ...instanceLimits, streamWindowMaxBytes });
    this.#memoryGuard = new MemoryGuard({
      limits: this.#limits,
      logger: options.logger,
      admission: this.#admission,
      residentBytes: options.residentBytes ?? (() => process.memoryUsage.rss()),
      collectGarbage: collectAll,
      clients: () => this.#clients,
      openCalls: () => this.#openCalls.all(),
    });
    this.#listener = new Listener({
      admission: this.#admission,
      handshakeTimeoutMs: this.#limits.handshakeTimeoutMs,
      defaultCertificate: options.certificates.defaultCertificate,
      secureContext: (serverName) => this.#certificates.find(serverName).context,
      refused: (token, remoteAddress, why) => this.refusals.refused(token, remoteAddress, why),
      accepted: (socket) => this.#accept(socket),
    });
  }

  /** Joins the scheduler, which needs this gateway as its link factory. To be called once, before `listen`. */
  attach(scheduler: Scheduler<InstanceLink>): void {
    const options = this.#options;
    this.#clientContext = {
      ...this.#transportContext,
      scheduler,
      limits: this.#limits,
      memoryGuard: this.#memoryGuard,
      random: options.random ?? systemRandom,
      routes: this.#routes,
      callSignatures: this.#callSignatures,
      refusals: this.refusals,
      clientOptions: connectionOptions({
        memoryBudget: this.#instanceOptions.memoryBudget,
        ...options.clientLimits,
      }),
      openCalls: this.#openCalls,
      keptBudget: new ByteBudget(this.#limits.keptRequestsMaxBytes),
      callEnded: (ended) => this.#callEnded(ended),
      callFailed: (error) => options.logger.error("A call failed by a bug of Sluice and was ended", { error }),
      clientClosed: (connection) => this.#clientClosed(connection),
    };
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Clients connected now. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** TCP connections of clients now, also those in their TLS handshake. */
  get clientSockets(): number {
    return this.#admission.connections;
  }

  /** Calls that have begun and not ended. */
  get openCalls(): number {
    return this.#openCalls.size;
  }

  /** Binds the port; 0 takes a free one. Clients that come wait until `accept`. */
  async listen(hosts: readonly string[], port: number): Promise<void> {
    await this.#listener.listen(hosts, port);
  }

  /** Serves clients, with the routes that are known now. */
  accept(): void {
    this.#listener.accept();
    this.#scheduleTick();
  }

  /** A route whose rules cannot be used is logged and not served: the control plane refused it already. */
  putRoute(entry: RouteEntry): void {
    try {
      this.#routes.put(entry);
    } catch (error) {
      this.#routes.delete(entry.host, entry.path);
      this.#options.logger.error("A route cannot be served", { host: entry.host, path: entry.path, error });
    }
  }

  deleteRoute(host: string, path: string): void {
    this.#routes.delete(host, path);
  }

  /** From now on calls may be signed with this key. */
  putAccessKey(entry: AccessKeyEntry): void {
    this.#callSignatures.putKey(entry);
  }

  /** From now on no call is taken that is signed with this key; open ones go on. */
  deleteAccessKey(accessKeyId: string): void {
    this.#callSignatures.deleteKey(accessKeyId);
  }

  /** A pair that cannot be used is logged and the old one stays: the control plane refused it already. */
  putCertificate(entry: CertificateEntry): void {
    try {
      this.#certificates.put(entry.host, entry);
    } catch (error) {
      this.#options.logger.error("A certificate cannot be used; the one before stays", { host: entry.host, error });
    }
  }

  /** Shows a challenge's certificate to ACME servers. One that cannot be used is logged. */
  putChallenge(entry: ChallengeEntry): void {
    try {
      this.#listener.challenges.put(entry.host, entry);
    } catch (error) {
      this.#options.logger.error("A challenge cannot be answered", { host: entry.host, error });
    }
  }

  deleteChallenge(host: string): void {
    this.#listener.challenges.delete(host);
  }

  deleteCertificate(host: string): void {
    this.#certificates.delete(host);
  }

  /** New certificates of its own, from the next handshake on. */
  setCertificates(own: OwnCertificates): void {
    this.#certificates.setOwn(own);
    this.#listener.setDefaultCertificate(own.defaultCertificate);
  }

  /** LinkFactory: the scheduler's instance listens; connect to it. */
  open(instance: DriverInstance, revision: Revision, observer: LinkObserver): InstanceLink {
    const link = new InstanceLink({
      instance,
      revision,
      observer,
      context: {
        ...this.#transportContext,
        instanceOptions: this.#instanceOptions,
        refusals: this.refusals,
        limits: this.#limits,
      },
      clock: this.#options.clock,
      meter: this.#options.meterOf(instance.id, revision),
      runtimeHeaders: runtimeHeaders(revision, this.#options.region),
    });
    this.#links.add(link);
    void instance.exited.then(() => this.#links.delete(link));
    return link;
  }

  /** Runs an event (InvokeFunction) as a call. `signal`: nobody waits for the answer any more. Never rejects. */
  async invoke(request: InvocationRequest, signal: AbortSignal): Promise<InvocationAnswer> {
    const context = this.#clientContext;
    if (context === undefined) throw new Error("Cannot invoke before attach()");
    if (this.#memoryGuard.refusesCalls) {
      return { kind: "fault", fault: fault("ResourceExhausted", "the gateway is short of memory") };
    }
    const invocation = new Invocation(request, context, this.#answersBudget);
    const cancel = () => invocation.cancel();
    signal.addEventListener("abort", cancel);
    this.#invocations += 1;
    invocation.start();
    try {
      return await invocation.answer;
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#invocations -= 1;
      this.#tellIdle();
    }
  }

  /**
   * Takes no new connections, asks clients to leave, and resolves when they are gone and the last call and invocation has
   * ended.
   */
  async drain(): Promise<void> {
    this.#listener.close();
    const nowMs = this.#options.clock.nowMs();
    for (const client of this.#clients) client.drain(nowMs);
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Ends every open call with a proper status. */
  endCalls(cause: Fault): void {
    for (const call of this.#openCalls.all()) call.end(cause);
  }

  /** Ends the connections that are left. */
  close(): void {
    this.#listener.close();
    for (const client of [...this.#clients]) client.destroy();
    for (const link of this.#links) link.close();
    this.#tickWakeUp?.cancel();
  }

  #accept(socket: TLSSocket): void {
    const context = this.#clientContext;
    if (context === undefined) throw new Error("Cannot accept clients before attach()");
    const serverName = typeof socket.servername === "string" ? socket.servername.toLowerCase() : "";
    const certificate = this.#certificates.find(serverName);
    const address = socket.localAddress ?? "";
    const shown = { serverName, address, covers: (host: string) => host === "" || certificate.covers(host) };
    const client = new ClientConnection(context, socket, shown);
    this.#clients.add(client);
    client.start();
  }

  #callEnded(ended: CallEnded): void {
    const { cause } = ended;
    if (cause !== undefined && REFUSING.has(cause.errorType)) {
      this.refusals.refused(cause.errorType, ended.function, cause.message);
    }
    this.#options.callEnded(ended);
  }

  #clientClosed(client: ClientConnection): void {
    this.#clients.delete(client);
    this.#tellIdle();
  }

  get #isIdle(): boolean {
    return this.#clients.size === 0 && this.#invocations === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle) this.#onIdle?.();
  }

  #scheduleTick(): void {
    this.#tickWakeUp = this.#options.clock.wakeAfter(TICK_MS, () => {
      const nowMs = this.#options.clock.nowMs();
      for (const client of [...this.#clients]) this.#guarded(() => client.tick(nowMs));
      for (const link of [...this.#links]) this.#guarded(() => link.tick(nowMs));
      this.#guarded(() => this.#memoryGuard.tick(nowMs));
      this.refusals.tick(nowMs);
      this.#scheduleTick();
    });
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#transportContext.connectionFailed(error);
    }
  }
}

/** Whether an address is reachable from other machines. */
export function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
