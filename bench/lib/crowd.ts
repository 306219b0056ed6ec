import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { linesOf } from "./lines-of.ts";
import { programs } from "./plain-function.ts";

export interface CrowdOptions {
  readonly port: number;
  readonly authority: string;
  readonly connections: number;
  /** Calls opened on each connection by `openStreams`. */
  readonly streams?: number;
  /** The server speaks no HTTP/2. */
  readonly bare?: boolean;
}

/** Many idle connections, in a process of their own (test/fixtures/go/crowd). */
export class Crowd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #nextLine: () => Promise<string>;

  /** Resolves when every connection is up. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const go = await programs();
    const child = spawn(
      go.crowd,
      [
        "-addr",
        `127.0.0.1:${options.port}`,
        "-authority",
        options.authority,
        "-connections",
        String(options.connections),
        "-streams",
        String(options.streams ?? 0),
        `-bare=${options.bare === true}`,
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const crowd = new Crowd(child);
    await crowd.#nextLine();
    return crowd;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#nextLine = linesOf(child);
  }

  /** Resolves when every call has been answered with a head. */
  async openStreams(): Promise<void> {
    this.#child.stdin?.write("\n");
    await this.#nextLine();
  }

  /** Throws where the crowd has ended: a connection was lost. */
  check(): void {
    if (this.#child.exitCode !== null) throw new Error(`the crowd ended with ${this.#child.exitCode}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end("\n");
    await exited;
  }
}

/** Resident memory of one process, in KB (proc(5), VmRSS). */
export function residentKb(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`There is no resident memory of process ${pid}`);
  return Number(found[1]);
}

/** The smallest resident memory within `seconds`: what is only waiting for the garbage collector is given time to go. */
export async function settledKb(pid: number, seconds: number): Promise<number> {
  let smallest = residentKb(pid);
  for (let step = 0; step < seconds * 2; step++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    smallest = Math.min(smallest, residentKb(pid));
  }
  return smallest;
}
