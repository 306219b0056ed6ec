/** Entry of the worker thread: store and control plane. */
import { parentPort, workerData } from "node:worker_threads";
import { type Logger, systemClock } from "../base/base.ts";
import { ControlPlane } from "../control/control.ts";
import { openImageSource } from "../drivers/drivers.ts";
import type { ToMain, ToWorker } from "../model/model.ts";
import { openSqliteStore } from "../store/store.ts";
import type { ControlThreadData, FromControlThread } from "./control-thread.ts";
import { openDomainCa } from "./domain-ca.ts";
import { portChannel } from "./port-channel.ts";

const data = workerData as ControlThreadData;
if (parentPort === null) throw new Error("This is the entry of a worker thread");
const parent = portChannel<FromControlThread, never>(parentPort);

/** Lines go to the main loop's log: one file has one writer. */
function forward(level: keyof Logger) {
  return (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    parent.post({ type: "log", level, message, fields: cloneable(fields) });
}

function cloneable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copied: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    copied[name] = typeof value === "object" && value !== null && !(value instanceof Error) ? String(value) : value;
  }
  return copied;
}

const logger: Logger = {
  debug: forward("debug"),
  info: forward("info"),
  warn: forward("warn"),
  error: forward("error"),
};

try {
  const control = await ControlPlane.open({
    ...data.options,
    store: await openSqliteStore({ file: data.options.storeFile }),
    openStore: (file) => openSqliteStore({ file }),
    images: openImageSource(),
    domainCa: openDomainCa(data.tlsDirectory),
    channel: portChannel<ToMain, ToWorker>(data.channelPort),
    clock: systemClock,
    logger,
  });
  parent.post({ type: "opened", apiPort: control.apiPort });
  await control.closed;
  parent.post({ type: "closed", wasRestored: control.wasRestored });
  parentPort.close();
  data.channelPort.close();
} catch (error) {
  parent.post({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  parentPort.close();
  data.channelPort.close();
}
