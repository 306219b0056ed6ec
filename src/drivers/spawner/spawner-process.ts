/** One spawner process, seen from main: messages in and out, and its end. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Logger } from "../../base/base.ts";
import type { FromSpawner, SpawnerSetup, ToSpawner } from "./messages.ts";

export class SpawnerProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<void>;

  constructor(setup: SpawnerSetup, logger: Logger, receive: (message: FromSpawner) => void) {
    // The same file name as a .ts while developing and as a .js when compiled.
    const main = fileURLToPath(new URL(`./spawner-main${extname(import.meta.url)}`, import.meta.url));
    this.#child = fork(main, [], {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      cwd: "/",
      // A session of its own: Ctrl-C in a terminal is for main, which ends the spawner when its instances are done.
      detached: true,
    });
    this.exited = once(this.#child, "exit").then(() => {});
    this.#child.on("message", (message) => receive(message as FromSpawner));
    // Messages to a spawner that has just died fail; its exit tells.
    this.#child.on("error", (error) => logger.debug("spawner", { error: error.message }));
    createInterface({ input: this.#child.stderr! }).on("line", (line) => logger.error("spawner", { line }));
    this.post({ type: "setup", setup });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  post(message: ToSpawner): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
