/**
 * One ip(8) that stays and is told command after command, since to start a program for a link costs more than the link. It
 * reads until this process ends, however that is, and so ends with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { TOOL_PATH } from "../host/find-tool.ts";

/** After each command it is asked for `lo`, which is there from the beginning as number 1: one line, and no more to say. */
const MARK_COMMAND = "link show dev lo";
const MARK = /^1: lo: /;

export interface IpSessionPlan {
  /** What makes or enters the namespaces that it runs in: nsenter(1), unshare(1). */
  readonly within?: readonly string[];
  /** A shell command that runs there first. */
  readonly setUp?: string;
}

interface Question {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class IpSession {
  readonly #plan: IpSessionPlan;
  #running: { readonly child: ChildProcess; readonly asked: Question[] } | undefined;

  /** Starts nothing before the first command. */
  constructor(plan: IpSessionPlan = {}) {
    this.#plan = plan;
  }

  /** Runs them one after the other. Those after one that fails are not run; then it rejects with ip's words. */
  async run(commands: readonly string[]): Promise<void> {
    for (const command of commands) await this.#ask(command);
  }

  /** Pid of the process; undefined before the first command. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** What it is still to do is not done. Idempotent. */
  close(): void {
    this.#running?.child.kill("SIGKILL");
  }

  #ask(command: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#running ??= this.#start();
      const { child, asked } = this.#running;
      asked.push({ resolve, reject });
      child.stdin!.write(`${command}\n${MARK_COMMAND}\n`);
    });
  }

  #start(): { child: ChildProcess; asked: Question[] } {
    const { within = [], setUp = ":" } = this.#plan;
    const asked: Question[] = [];
    let said: string[] = [];
    // What it complains of and the mark in one stream: the order tells which command is meant.
    const script = `${setUp} && exec ip -oneline -force -batch - 2>&1`;
    const [program = "", ...rest] = [...within, "/bin/sh", "-c", `{ ${script}; } 2>&1`];
    const child = spawn(program, rest, {
      cwd: "/",
      env: { PATH: TOOL_PATH },
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => {});
    const answer = (): void => {
      const words = said.filter((line) => !line.startsWith("Command failed ")).join(" ");
      const question = asked.shift();
      if (said.length === 0) question?.resolve();
      else question?.reject(new Error(`a network link cannot be made: ${words}`));
      said = [];
    };
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (MARK.test(line)) answer();
      else said.push(line.trim());
    });
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString().trim()));
    const ended = (reason: string): void => {
      if (this.#running?.child === child) this.#running = undefined;
      const error = new Error(`a network link cannot be made: ${said.join(" ") || reason}`);
      for (const { reject } of asked.splice(0)) reject(error);
    };
    child.once("close", () => ended("ip has ended")).once("error", (error) => ended(error.message));
    return { child, asked };
  }
}
