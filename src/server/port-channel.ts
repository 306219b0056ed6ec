import type { MessagePort, Worker } from "node:worker_threads";
import type { Channel } from "../base/base.ts";

/** A channel over a MessagePort, or over a Worker from its parent's side. */
export function portChannel<Out, In>(port: MessagePort | Worker): Channel<Out, In> {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (receive) => port.on("message", receive),
    onClose: (closed) => port.once("terminate" in port ? "exit" : "close", () => closed()),
    close() {
      if ("terminate" in port) void port.terminate();
      else port.close();
    },
  };
}
