/** The process outside, seen from main, which starts it anew should it end, and hands the spawner its end of the channel. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Clock, Logger } from "../../base/base.ts";
import { TOOL_PATH } from "../host/find-tool.ts";
import { OUTSIDE_CHANNEL } from "./messages.ts";

const RESTART_MS = 1_000;
/** What it gets to end by itself, once the spawner has. */
const END_LIMIT_MS = 1_000;

export interface OutsideProcessOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Brings the socket to the spawner; called again for each process. */
  readonly handOver: (channel: Socket) => void;
}

export class OutsideProcess {
  readonly #options: OutsideProcessOptions;
  /** Of the process that runs now. */
  #gone = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #isEnding = false;

  constructor(options: OutsideProcessOptions) {
    this.#options = options;
    this.#start();
  }

  /** The spawner has ended. Resolves when this process has too. */
  end(): Promise<void> {
    this.#isEnding = true;
    if (this.#child === undefined) return Promise.resolve();
    const child = this.#child;
    const impatience = this.#options.clock.wakeAfter(END_LIMIT_MS, () => child.kill("SIGKILL"));
    void this.#gone.promise.then(() => impatience.cancel());
    return this.#gone.promise;
  }

  #start(): void {
    const { clock, logger, handOver } = this.#options;
    if (this.#isEnding) return;
    // The same file name as a .ts while developing and as a .js when compiled.
    const main = fileURLToPath(new URL(`./outside-main${extname(import.meta.url)}`, import.meta.url));
    const child = spawn(process.execPath, [main], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      cwd: "/",
      env: { PATH: TOOL_PATH },
      detached: true,
    });
    this.#child = child;
    const gone = Promise.withResolvers<void>();
    this.#gone = gone;
    const over = (error?: Error): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      gone.resolve();
      if (this.#isEnding) return;
      logger.error("the process of ways out ended and is started again", error && { error: error.message });
      clock.wakeAfter(RESTART_MS, () => this.#start());
    };
    child.once("error", over).once("exit", () => over());
    createInterface({ input: child.stderr! }).on("line", (line) => logger.error("way out", { line }));
    handOver(child.stdio[OUTSIDE_CHANNEL] as Socket);
  }
}
