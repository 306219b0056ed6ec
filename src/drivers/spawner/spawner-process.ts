/** One spawner process, seen from main: messages in and out, and its end. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Logger, systemClock } from "../../base/base.ts";
import { findTool } from "../host/find-tool.ts";
import { slirpObstacle } from "../network/slirp.ts";
import { OutsideProcess } from "../outside/outside-process.ts";
import { USER_NAMESPACE } from "../sandbox/user-namespace.ts";
import type { FromSpawner, SpawnerSetup, ToSpawner } from "./messages.ts";

export class SpawnerProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<void>;
  /** Nothing of it runs any more. */
  readonly gone: Promise<void>;

  /** `receive` also gets the socket of a message that has one. */
  constructor(
    setup: SpawnerSetup,
    logger: Logger,
    receive: (message: FromSpawner, socket: Socket | undefined) => void,
  ) {
    // The same file name as a .ts while developing and as a .js when compiled.
    const main = fileURLToPath(new URL(`./spawner-main${extname(import.meta.url)}`, import.meta.url));
    this.#child = fork(main, [], {
      serialization: "advanced",
      // In place of Node.js a program that becomes it, in namespaces.
      ...(setup.inUserNamespace
        ? { execPath: findTool(USER_NAMESPACE.program)!, execArgv: [...USER_NAMESPACE.arguments, process.execPath] }
        : { execArgv: [] }),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      cwd: "/",
      // A session of its own: Ctrl-C in a terminal is for main, which ends the spawner when its instances are done.
      detached: true,
    });
    this.exited = once(this.#child, "exit").then(() => {});
    this.#child.on("message", (message, handle) =>
      receive(message as FromSpawner, handle instanceof Socket ? handle : undefined),
    );
    // Messages to a spawner that has just died fail; its exit tells.
    this.#child.on("error", (error) => logger.debug("spawner", { error: error.message }));
    createInterface({ input: this.#child.stderr! }).on("line", (line) => logger.error("spawner", { line }));
    this.post({ type: "setup", setup });
    const outside = needsOutside(setup)
      ? new OutsideProcess({
          clock: systemClock,
          logger,
          handOver: (channel) => this.post({ type: "outside" }, channel),
        })
      : undefined;
    this.gone = this.exited.then(() => outside?.end());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** `socket` is the spawner's from then on. */
  post(message: ToSpawner, socket?: Socket): void {
    if (this.#child.connected) this.#child.send(message, socket, () => {});
    else socket?.destroy();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Its way out is opened outside of the network that it is in, by a process that is started only where it can do that. */
function needsOutside({ inUserNamespace, configuration: { egress } }: SpawnerSetup): boolean {
  return inUserNamespace && (egress === "auto" || egress === "user") && slirpObstacle() === undefined;
}
