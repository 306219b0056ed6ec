/**
 * One shell that starts program after program in the background, in the namespaces that it is in: a fork of a shell costs a
 * fraction of one of Node.js, and nobody has to enter the namespaces again. Its programs have descriptor 3 open, which
 * closes with this process and with the shell.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import type { Clock, WakeUp } from "../../base/base.ts";
import { TOOL_PATH } from "../host/find-tool.ts";
import { isRunningChild, signal } from "../host/process-tree.ts";
import { commandLine } from "../local/shell-words.ts";

/** How often is looked whether one has ended. */
const LOOK_MS = 1_000;
const SAID_MAX_CHARACTERS = 2_000;

export interface BackgroundProgram {
  /** Undefined until it runs, and once it has ended. */
  readonly pid: number | undefined;
  /** It begins with low priority: from now on it has that of others. */
  hurry(): void;
  /** At once, or as soon as it runs. Idempotent. */
  kill(): void;
}

export class BackgroundShell {
  readonly #enter: readonly string[];
  readonly #clock: Clock;
  readonly #mayHurry: boolean;
  #running: Running | undefined;
  #timer: WakeUp | undefined;

  /**
   * Starts nothing before the first program. `enter`: the command within which the shell runs. `mayHurry`: we may give a
   * priority back that was taken away, which only root may; else programs begin with that of others.
   */
  constructor(enter: readonly string[], clock: Clock, mayHurry = true) {
    this.#enter = enter;
    this.#clock = clock;
    this.#mayHurry = mayHurry;
  }

  /** Its output is thrown away. `onEnd` is told within a second when it ends without having been killed, with what all said. */
  run(words: readonly string[], onEnd: (said: string) => void): BackgroundProgram {
    this.#running ??= this.#start();
    const { shell, programs } = this.#running;
    const program = new Program(shell, onEnd);
    programs.add(program);
    shell.stdin!.write(`${commandLine(words)} </dev/null >/dev/null & echo $!\n`);
    this.#lookLater();
    return program;
  }

  /** Ends the shell; what it has started is ended by those who have it. Idempotent. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#running?.shell.kill("SIGKILL");
  }

  #start(): Running {
    const [program = "", ...rest] = [...this.#enter, "/bin/sh"];
    const shell = spawn(program, rest, {
      cwd: "/",
      env: { PATH: TOOL_PATH },
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    const running: Running = { shell, programs: new Set(), said: "" };
    // Its programs take that over.
    if (this.#mayHurry && shell.pid !== undefined) setPriorityIfThere(shell.pid, constants.priority.PRIORITY_LOW);
    for (const stream of [shell.stdin!, shell.stdio[3]!]) stream.on("error", () => {});
    shell.stderr!.on("data", (chunk: Buffer) => {
      running.said = `${running.said}${chunk.toString()}`.slice(-SAID_MAX_CHARACTERS);
    });
    createInterface({ input: shell.stdout! }).on("line", (line) => {
      for (const one of running.programs) if (one.begins(Number(line))) break;
    });
    const ended = (): void => {
      if (this.#running === running) this.#running = undefined;
      // Those it has started end too; until then they hold what it said with.
      shell.stdio[3]?.destroy();
      this.#forget(running, () => true);
    };
    shell.once("exit", ended).once("error", ended);
    return running;
  }

  #lookLater(): void {
    this.#timer ??= this.#clock.wakeAfter(LOOK_MS, () => {
      this.#timer = undefined;
      const running = this.#running;
      if (running === undefined) return;
      this.#forget(running, (program) => program.hasEnded());
      if (running.programs.size > 0) this.#lookLater();
    });
  }

  #forget(running: Running, hasEnded: (program: Program) => boolean): void {
    for (const program of [...running.programs]) {
      if (!hasEnded(program)) continue;
      running.programs.delete(program);
      program.ends(running.said.trim());
    }
  }
}

interface Running {
  readonly shell: ChildProcess;
  /** In the order in which they were asked for. */
  readonly programs: Set<Program>;
  said: string;
}

class Program implements BackgroundProgram {
  readonly #shell: ChildProcess;
  readonly #onEnd: (said: string) => void;
  #pid: number | undefined;
  #hasBegun = false;
  #isPatient = true;
  #isKilled = false;

  constructor(shell: ChildProcess, onEnd: (said: string) => void) {
    this.#shell = shell;
    this.#onEnd = onEnd;
  }

  get pid(): number | undefined {
    return this.#pid !== undefined && this.#isRunning(this.#pid) ? this.#pid : undefined;
  }

  /** False: it had already. */
  begins(pid: number): boolean {
    if (this.#hasBegun) return false;
    this.#hasBegun = true;
    this.#pid = pid;
    if (this.#isKilled) this.kill();
    else if (!this.#isPatient) this.hurry();
    return true;
  }

  hasEnded(): boolean {
    return this.#hasBegun && this.pid === undefined;
  }

  ends(said: string): void {
    this.#pid = undefined;
    this.#hasBegun = true;
    if (!this.#isKilled) this.#onEnd(said);
  }

  hurry(): void {
    this.#isPatient = false;
    if (this.#pid !== undefined) setPriorityIfThere(this.#pid, constants.priority.PRIORITY_NORMAL);
  }

  kill(): void {
    this.#isKilled = true;
    const pid = this.#pid;
    // As a child of the shell it is the very process, until the shell has waited for it.
    if (pid === undefined || !this.#isRunning(pid)) return;
    signal(pid, "SIGKILL");
    this.#shell.stdin!.write(`wait ${pid}\n`);
  }

  #isRunning(pid: number): boolean {
    return this.#shell.pid !== undefined && isRunningChild(pid, this.#shell.pid);
  }
}

function setPriorityIfThere(pid: number, priority: number): void {
  try {
    setPriority(pid, priority);
  } catch {
    // It has ended this moment.
  }
}
