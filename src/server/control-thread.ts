import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Channel, LogFields, Logger } from "../base/base.ts";
import type { ControlPlaneOptions } from "../control/control.ts";
import type { ToMain, ToWorker } from "../model/model.ts";
import { portChannel } from "./port-channel.ts";
import { StartupError } from "./startup-error.ts";

/** What crosses into the thread. */
export interface ControlThreadData {
  readonly options: Omit<
    ControlPlaneOptions,
    "store" | "openStore" | "images" | "domainCa" | "channel" | "clock" | "logger"
  >;
  /** Folder of CAs and certificates. */
  readonly tlsDirectory: string;
  readonly channelPort: MessagePort;
}

/** What the thread tells beside the data-plane messages. */
export type FromControlThread =
  | { readonly type: "opened"; readonly apiPort: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "closed"; readonly wasRestored: boolean }
  | { readonly type: "log"; readonly level: keyof Logger; readonly message: string; readonly fields: LogFields };

/** The running control plane, seen from the main loop. */
export interface ControlThread {
  readonly apiPort: number;
  readonly channel: Channel<ToWorker, ToMain>;
  /** Resolves when the thread has ended, however it did: `restored` where a backup is in place of what it served. */
  readonly ended: Promise<"ended" | "restored">;
}

/**
 * Starts the control plane in a worker thread. `connected` gets the channel before the thread begins, so that the first
 * snapshot is received. Rejects with a StartupError when it cannot open.
 */
export async function startControlThread(
  options: Omit<ControlThreadData, "channelPort">,
  logger: Logger,
  connected: (channel: Channel<ToWorker, ToMain>) => void,
): Promise<ControlThread> {
  const { port1, port2 } = new MessageChannel();
  const channel = portChannel<ToWorker, ToMain>(port1);
  connected(channel);
  const entry = new URL(`./control-thread-main${extname(import.meta.filename)}`, import.meta.url);
  const workerData: ControlThreadData = { ...options, channelPort: port2 };
  const worker = new Worker(entry, { workerData, transferList: [port2], name: "sluice-control" });
  let wasRestored = false;
  const ended = new Promise<"ended" | "restored">((resolve) => {
    worker.once("exit", () => resolve(wasRestored ? "restored" : "ended"));
  });
  const apiPort = await new Promise<number>((resolve, reject) => {
    worker.on("message", (message: FromControlThread) => {
      if (message.type === "log") logger[message.level](message.message, message.fields);
      else if (message.type === "opened") resolve(message.apiPort);
      else if (message.type === "failed") reject(new StartupError(message.message));
      else {
        wasRestored = message.wasRestored;
        // All is written; an order with an ACME server that is under way would keep the thread for minutes.
        void worker.terminate();
      }
    });
    worker.on("error", (error) => {
      logger.error("The control plane failed by a bug of Sluice", { error });
      reject(error);
    });
    worker.once("exit", () => reject(new StartupError("The control plane ended before it was open")));
  });
  return { apiPort, channel, ended };
}
