/**
 * The spawner: a small process that starts, watches and ends instances for main, because to fork stops a process for
 * longer the more memory it has (measured: 1.3 ms at 53 MB, 22 ms at 690 MB). It has no life of its own: when main is
 * gone, it ends every instance and itself.
 */
import { Socket } from "node:net";
import { type Logger, systemClock } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import { StartError, type StartSpec } from "../driver.ts";
import { LocalDriver } from "../local/local-driver.ts";
import type { LocalInstance } from "../local/local-instance.ts";
import { OutsideSlirps } from "../outside/outside-slirps.ts";
import { createLauncher } from "./create-launcher.ts";
import type { FromSpawner, SpawnerSetup, ToSpawner } from "./messages.ts";

/** With main gone nobody waits for a clean end; what is not over by then is left to the kernel (PDEATHSIG). */
const ORPHAN_LIMIT_MS = 1_500;

const logger: Logger = {
  debug: (message, fields) => post({ type: "log", level: "debug", message, fields }),
  info: (message, fields) => post({ type: "log", level: "info", message, fields }),
  warn: (message, fields) => post({ type: "log", level: "warn", message, fields }),
  error: (message, fields) => post({ type: "log", level: "error", message, fields }),
};
const instances = new Map<InstanceId, LocalInstance>();
let driver: Promise<LocalDriver> | undefined;
/** Where this process is in a network of its own. */
let outside: OutsideSlirps | undefined;
/** Messages are handled one after the other, so that none overtakes the set-up. */
let handled: Promise<void> = Promise.resolve();

process.on("message", (message: ToSpawner, socket: unknown) => {
  handled = handled.then(() => handle(message, socket)).catch(report);
});
process.on("disconnect", () => {
  systemClock.wakeAfter(ORPHAN_LIMIT_MS, () => process.exit(0));
  void close().finally(() => process.exit(0));
});

async function handle(message: ToSpawner, socket: unknown): Promise<void> {
  switch (message.type) {
    case "setup":
      driver = setUp(message.setup);
      await driver.then(({ capabilities, features, unmet }) => post({ type: "ready", capabilities, features, unmet }));
      return;
    case "probe":
      void driver?.then(async (it) => post({ type: "probed", result: await it.probe() })).catch(report);
      return;
    case "start":
      if (driver !== undefined) start(await driver, message.spec);
      return;
    case "expectImages":
      (await driver)?.expectImages();
      return;
    case "connect":
      void connect(message.id, message.request);
      return;
    case "capCpu":
      instances.get(message.id)?.ready();
      return;
    case "stop":
      instances.get(message.id)?.stop(message.graceMs);
      return;
    case "destroy":
      instances.get(message.id)?.destroy();
      return;
    case "freeze":
    case "thaw":
      void order(message.type, message.id, message.order);
      return;
    case "outside":
      if (socket instanceof Socket) outside?.connect(socket);
      return;
    case "close":
      await close();
      process.disconnect();
      return;
    default:
      throw new Error(`Unknown message ${JSON.stringify(message satisfies never)}`);
  }
}

async function setUp(setup: SpawnerSetup): Promise<LocalDriver> {
  if (setup.inUserNamespace) outside = new OutsideSlirps(logger);
  return new LocalDriver({
    launcher: await createLauncher(setup, systemClock, logger, outside),
    clock: systemClock,
    output: (lines) => post({ type: "output", lines }),
    configuration: setup.configuration,
    onUsage: (usages) => post({ type: "usage", usages }),
    onFootprint: (instance, footprint) => post({ type: "footprint", id: instance.id, footprint }),
  });
}

function start(local: LocalDriver, spec: StartSpec): void {
  const instance = local.start(spec);
  const { id } = instance;
  instances.set(id, instance);
  instance.listening.then(
    () => post({ type: "listening", id, endpoint: instance.endpoint!, canFreeze: instance.canFreeze }),
    (error: unknown) => post({ type: "notStarted", id, ...describe(error) }),
  );
  void instance.exited.then((exitReport) => {
    instances.delete(id);
    post({ type: "exited", id, report: exitReport });
  });
}

/** In a network of our own: main cannot connect by itself. */
async function connect(id: InstanceId, request: number): Promise<void> {
  try {
    const socket = await instances.get(id)?.connectToHandOver();
    if (socket === undefined) throw new Error("the instance is gone");
    if (process.connected) process.send?.({ type: "connected", id, request } satisfies FromSpawner, socket, () => {});
    else socket.destroy();
  } catch (error) {
    post({ type: "notConnected", id, request, message: error instanceof Error ? error.message : String(error) });
  }
}

async function order(type: "freeze" | "thaw", id: InstanceId, number: number): Promise<void> {
  try {
    await instances.get(id)?.[type]();
    post({ type: "ordered", id, order: number, error: undefined });
  } catch (error) {
    post({ type: "ordered", id, order: number, error: error instanceof Error ? error.message : String(error) });
  }
}

function describe(error: unknown): Pick<StartError, "errorType" | "message" | "stderrTail"> {
  if (error instanceof StartError) {
    return { errorType: error.errorType, message: error.message, stderrTail: error.stderrTail };
  }
  return { errorType: "Internal", message: String(error), stderrTail: "" };
}

async function close(): Promise<void> {
  await (await driver)?.close();
}

function post(message: FromSpawner): void {
  // Once main is gone, or the channel closed on purpose, nobody is left to be told.
  if (process.connected) process.send?.(message, () => {});
}

function report(error: unknown): void {
  logger.error("the spawner failed to handle a message", { error: error instanceof Error ? error.stack : error });
}
