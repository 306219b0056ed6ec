import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import type { Mark } from "./attacker.ts";

/**
 * All attacks in a loop, in a process of their own that takes what the others leave of the machine: an attacker has a
 * machine of its own, and what a victim would feel of its work here is nothing that a gateway could help.
 */
export class AttackerProcess {
  readonly #child: ChildProcess;
  #output = "";

  static async start(mark: Mark): Promise<AttackerProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, "attacker-main.ts"), JSON.stringify(mark)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    const attacker = new AttackerProcess(child);
    await once(child.stdout!, "data");
    return attacker;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  /** Ends it; gives how many attacks it played. Throws where it had ended by itself. */
  async stop(): Promise<number> {
    if (this.#child.exitCode !== null) throw new Error(`The attacker ended by itself with ${this.#child.exitCode}`);
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await closed;
    return Number(this.#output.trim().split("\n").at(-1));
  }
}
