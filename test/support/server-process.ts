import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { ExitReport } from "../../src/drivers/driver.ts";
import type { LinkedInstance } from "../../src/gateway/instance-link.ts";
import type { InstanceId } from "../../src/model/model.ts";

/** A server in a process of its own, which prints `listening on HOST:PORT`; frozen and thawed by signals. */
export class ServerProcess implements LinkedInstance {
  readonly id = "i-1" as InstanceId;
  readonly exited: Promise<ExitReport>;
  /** Connections that were opened. */
  connects = 0;
  readonly #child: ChildProcess;
  readonly #port: number;

  static async start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /listening on .*:(\d+)$/.exec(line)?.[1];
      if (port !== undefined) return new ServerProcess(child, Number(port));
    }
    throw new Error(`${command} ended before it listened`);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
    child.stdout?.resume();
    this.exited = once(child, "exit").then(([code, signal]) => ({
      code: code ?? undefined,
      signal: signal ?? undefined,
      outOfMemory: false,
      stderrTail: "",
    }));
  }

  readonly ranOutOfMemory = (): boolean => false;

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async connect(): Promise<Duplex> {
    this.connects += 1;
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return socket;
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}
