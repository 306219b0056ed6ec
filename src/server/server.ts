/**
 * Front door of src/server, the composition root: reads the configuration, builds the three loops (main, spawner,
 * worker), says when they are ready, and shuts them down.
 */

import { homedir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/base.ts";
import { type Credentials, finishRestore } from "../control/control.ts";
import { isLoopbackAddress, type LocalCa, loadOrCreateLocalCa } from "../gateway/gateway.ts";
import { acmeSettings } from "./acme-settings.ts";
import { addressOf, apiAddress, isUnspecified } from "./api-address.ts";
import { type Configuration, loadConfiguration, printConfiguration } from "./configuration.ts";
import { type ControlThread, startControlThread } from "./control-thread.ts";
import { loadOrCreateCredentials } from "./credentials.ts";
import { DataDirectory, type Endpoint } from "./data-directory.ts";
import { DEMO_FUNCTION, runDemo } from "./demo.ts";
import { type ClosableLogger, openLog } from "./log.ts";
import { MainLoop } from "./main-loop.ts";
import { backupPartsOf } from "./restore.ts";
import { listenForStop } from "./shutdown.ts";
import { StartupError } from "./startup-error.ts";

export { type DoctorReport, examineHost } from "./doctor.ts";
export { restoreStopped } from "./restore.ts";
export { StartupError } from "./startup-error.ts";

/** What the command line says; everything else is the configuration's. */
export interface StartOptions {
  readonly dataDir: string;
  /** Default: config.yaml in the data directory, where there is one. */
  readonly configFile?: string;
  readonly hosts?: readonly string[];
  readonly grpcPort?: number;
  readonly apiPort?: number;
  /** Addresses of the API for other machines. */
  readonly apiHosts?: readonly string[];
  readonly apiCertificateFile?: string;
  readonly apiKeyFile?: string;
  readonly region?: string;
  readonly domain?: string;
  readonly isolation?: "auto" | "sandbox" | "container" | "process";
  /** How functions with internetAccess reach the network. */
  readonly egress?: "auto" | "user" | "nat" | "none";
  readonly drainTimeoutMs?: number;
  /** memorySize of all instances together. */
  readonly instanceMemoryMaxMb?: number;
  /** Deploy the example greeter if it is not there, and call it once. */
  readonly demo: boolean;
}

/** Time that instances get between SIGTERM and SIGKILL when Sluice stops. */
const STOP_GRACE_MS = 2000;

/** Certificates are renewed 30 days before they end: a look a day is plenty. */
const CERTIFICATE_LOOK_MS = 24 * 3_600_000;

/** Wait before a control plane that ended is started again. */
const CONTROL_RESTART_MS = 1000;

/** The configuration in force as YAML, for `sluice config`. */
export function printableConfiguration(dataDir: string, configFile?: string): string {
  return printConfiguration(loadConfiguration(configFile ?? join(dataDir, "config.yaml"), configFile !== undefined));
}

/**
 * Starts Sluice and resolves when it has stopped. Throws a StartupError, one line, when it cannot start; nothing is
 * left behind then.
 */
export async function startServer(options: StartOptions): Promise<void> {
  const configuration = configurationOf(options);
  const directory = DataDirectory.open(options.dataDir);
  const logger = openLog(directory.path);
  const cleanUps: (() => Promise<void> | void)[] = [() => directory.close(), () => logger.close()];
  try {
    const server = await Server.start(configuration, directory, logger, cleanUps);
    await server.run(options.demo);
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

function configurationOf(options: StartOptions): Configuration {
  const file = options.configFile ?? join(options.dataDir, "config.yaml");
  const { hosts, grpcPort, apiPort, region, domain, isolation, egress, drainTimeoutMs, instanceMemoryMaxMb } = options;
  const { apiHosts, apiCertificateFile, apiKeyFile } = options;
  return {
    ...loadConfiguration(file, options.configFile !== undefined),
    ...(hosts && { hosts: [...hosts] }),
    ...(grpcPort !== undefined && { grpcPort }),
    ...(apiPort !== undefined && { apiPort }),
    ...(apiHosts && { apiHosts: [...apiHosts] }),
    ...(apiCertificateFile && { apiCertificateFile }),
    ...(apiKeyFile && { apiKeyFile }),
    ...(region && { region }),
    ...(domain && { domain }),
    ...(isolation && { isolation }),
    ...(egress && { egress }),
    ...(drainTimeoutMs !== undefined && { drainTimeoutMs }),
    ...(instanceMemoryMaxMb !== undefined && { instanceMemoryMaxMb }),
  };
}

/** A control plane, and the account and key that it has. */
interface StartedControl {
  readonly control: ControlThread;
  readonly credentials: Credentials;
}

/** The three loops of one running Sluice. */
class Server {
  readonly #configuration: Configuration;
  readonly #directory: DataDirectory;
  readonly #logger: ClosableLogger;
  readonly #main: MainLoop;
  readonly #startControl: () => Promise<StartedControl>;
  #credentials: Credentials;
  #endpointBase: Omit<Endpoint, "apiUrl">;
  #control: ControlThread;
  #stopping = false;
  #isReady = false;

  static async start(
    configuration: Configuration,
    directory: DataDirectory,
    logger: ClosableLogger,
    cleanUps: (() => Promise<void> | void)[],
  ): Promise<Server> {
    const acme = acmeSettings(configuration);
    const parts = backupPartsOf(directory.path);
    if (await finishRestore(parts)) logger.info("A restore that was cut short is done");
    const credentials = loadOrCreateCredentials(directory.path);
    const zone = `${configuration.region}.${configuration.domain}`;
    const foreign = configuration.hosts.filter((host) => !isLoopbackAddress(host));
    const tlsDirectory = join(directory.path, "tls");
    const api = apiAddress(configuration, tlsDirectory);
    const certified = [...foreign.filter((host) => !isUnspecified(host)), ...api.certifiedHosts];
    const names = { zone, hosts: [...new Set(certified)] };
    const loadCa = () => loadOrCreateLocalCa(tlsDirectory, names, systemClock.epochMs());
    const ca = await loadCa();
    const main = await MainLoop.start({
      configuration,
      dataDir: directory.path,
      logger,
      credentials,
      ca,
      demo: DEMO_FUNCTION,
    });
    cleanUps.push(() => main.close(STOP_GRACE_MS));
    await listen(main, configuration);
    keepCertificates(main, loadCa, logger);
    if (foreign.length > 0)
      logger.warn(`The gRPC port is reachable from other machines: it listens on ${foreign.join(", ")}`);
    if (api.tls !== undefined) {
      logger.warn(
        `The API is reachable from other machines: it listens on ${configuration.apiHosts.join(", ")}, with TLS`,
      );
    }
    const startControl = (apiPort: number, credentials: Credentials) =>
      startControlThread(
        {
          options: {
            dataDir: directory.path,
            storeFile: parts.storeFile,
            dockerConfigFile: join(process.env["DOCKER_CONFIG"] || join(homedir(), ".docker"), "config.json"),
            credentials,
            endpoint: { region: configuration.region, domain: configuration.domain, grpcPort: main.gateway.port },
            listen: { hosts: api.hosts, port: apiPort, tls: api.tls },
            ...(acme && { acme }),
          },
          tlsDirectory,
        },
        logger,
        (channel) => main.join(channel),
      );
    const control = await startControl(configuration.apiPort, credentials);
    await main.served;
    main.gateway.accept();
    const base = {
      grpcAddress: addressOf(configuration.hosts[0] as string, main.gateway.port),
      caFile: ca.caFile,
      accountId: credentials.accountId,
      accessKeyId: credentials.accessKeyId,
      region: configuration.region,
      domain: configuration.domain,
      pid: process.pid,
      ...api.remoteEndpoint({ apiPort: control.apiPort, grpcPort: main.gateway.port, caFile: ca.caFile }),
    };
    const restart = async () => {
      await finishRestore(parts);
      const now = loadOrCreateCredentials(directory.path);
      main.gateway.setCertificates(await loadCa());
      return { control: await startControl(control.apiPort, now), credentials: now };
    };
    const server = new Server(configuration, directory, logger, main, control, restart, credentials, base);
    cleanUps.push(() => server.#closeControl());
    return server;
  }

  private constructor(
    configuration: Configuration,
    directory: DataDirectory,
    logger: ClosableLogger,
    main: MainLoop,
    control: ControlThread,
    startControl: () => Promise<StartedControl>,
    credentials: Credentials,
    endpointBase: Omit<Endpoint, "apiUrl">,
  ) {
    this.#configuration = configuration;
    this.#directory = directory;
    this.#logger = logger;
    this.#main = main;
    this.#control = control;
    this.#startControl = startControl;
    this.#credentials = credentials;
    this.#endpointBase = endpointBase;
  }

  /** Says that it is ready, and stays until it is asked to stop. */
  async run(demo: boolean): Promise<void> {
    const stopRequested = this.#listenForStop();
    void this.#keepControlPlane();
    const endpoint = this.#endpoint();
    if (demo) await Promise.race([runDemo(endpoint, this.#credentials), stopRequested]);
    if (!this.#stopping) {
      this.#directory.writeEndpoint(endpoint);
      this.#isReady = true;
      process.stdout.write(`sluice ready grpc=${endpoint.grpcAddress} api=${endpoint.apiUrl} pid=${endpoint.pid}\n`);
    }
    await stopRequested;
    await this.#stop();
  }

  #endpoint(): Endpoint {
    return { apiUrl: `http://${addressOf("127.0.0.1", this.#control.apiPort)}`, ...this.#endpointBase };
  }

  #listenForStop(): Promise<void> {
    return new Promise((resolve) => {
      listenForStop(
        {
          drain: (reason) => {
            this.#logger.info("Stopping", { reason });
            this.#stopping = true;
            resolve();
          },
          exit: (reason) => {
            process.stderr.write(`sluice: stopping at once: ${reason}\n`);
            process.exit(1);
          },
        },
        systemClock,
      );
    });
  }

  async #stop(): Promise<void> {
    await this.#main.drain(this.#configuration.drainTimeoutMs, (openCalls) => {
      const wait = openCalls === 0 ? "" : ` (at most ${this.#configuration.drainTimeoutMs / 1000} s)`;
      process.stdout.write(`sluice stopping: ${openCalls} calls left${wait}\n`);
    });
  }

  /** The worker writes what is pending, then ends. */
  async #closeControl(): Promise<void> {
    this.#stopping = true;
    await this.#main.close(STOP_GRACE_MS);
    this.#control.channel.post({ type: "shutdown" });
    await this.#control.ended;
  }

  /**
   * A control plane that ends is started again, at once where a backup was restored, else after a wait; calls go on
   * meanwhile with the last state.
   */
  async #keepControlPlane(): Promise<void> {
    let isRestore = false;
    for (;;) {
      const ended = await this.#control.ended;
      if (this.#stopping) return;
      this.#main.leave();
      isRestore = ended === "restored" && !isRestore;
      if (isRestore) this.#logger.info("A backup has been restored; the control plane starts with it");
      else {
        this.#logger.error("The control plane ended; it is started again");
        await new Promise<void>((resolve) => {
          systemClock.wakeAfter(CONTROL_RESTART_MS, resolve);
        });
      }
      try {
        const { control, credentials } = await this.#startControl();
        this.#control = control;
        this.#useCredentials(credentials);
        isRestore = false;
      } catch (error) {
        this.#logger.error("The control plane cannot be started again", { error });
      }
    }
  }

  /** Those of a restored backup are others. */
  #useCredentials(credentials: Credentials): void {
    const { accountId, accessKeyId } = credentials;
    this.#endpointBase = { ...this.#endpointBase, accountId, accessKeyId };
    this.#credentials = credentials;
    if (this.#isReady) this.#directory.writeEndpoint(this.#endpoint());
  }
}

/** Looks once a day whether the certificates must be made anew, and shows new ones from the next handshake on. */
function keepCertificates(main: MainLoop, loadCa: () => Promise<LocalCa>, logger: ClosableLogger): void {
  systemClock.wakeAfter(CERTIFICATE_LOOK_MS, () => {
    loadCa()
      .then((ca) => main.gateway.setCertificates(ca))
      .catch((error: unknown) => logger.error("The certificates cannot be renewed; the present ones stay", { error }))
      .finally(() => keepCertificates(main, loadCa, logger));
  });
}

async function listen(main: MainLoop, configuration: Configuration): Promise<void> {
  try {
    await main.gateway.listen(configuration.hosts, configuration.grpcPort);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const where = `${configuration.hosts.join(" and ")} port ${configuration.grpcPort}`;
    if (code === "EADDRINUSE") {
      throw new StartupError(
        `The gRPC port is in use (${where}): stop what uses it, or choose another with --grpc-port PORT`,
      );
    }
    throw new StartupError(`Cannot listen on ${where}: ${message}`);
  }
}
