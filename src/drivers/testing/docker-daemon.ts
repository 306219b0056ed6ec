/** A Docker daemon of a test's own: own socket, own data, no networks, so that it meets no other on the machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTool } from "../host/find-tool.ts";

/** A daemon that does not answer by then has failed. */
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** Why no daemon can be started here, or false. Where CI is set that is an error instead: there it must be tested. */
export function dockerSkip(): string | false {
  const reason = reasonAgainst();
  if (reason === undefined) return false;
  if (process.env["CI"]) throw new Error(`container images cannot be tested here: ${reason}`);
  return `container images cannot be tested here: ${reason}`;
}

function reasonAgainst(): string | undefined {
  if (process.platform !== "linux") return "a Docker daemon of one's own needs Linux";
  if (process.getuid?.() !== 0) return "a Docker daemon needs root";
  const missing = ["dockerd", "docker"].filter((tool) => findTool(tool) === undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")} (Debian: apt-get install docker.io)`;
}

export class DockerDaemon {
  /** What DOCKER_HOST must be. */
  readonly address: string;
  readonly #dir: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(dir: string, child: ChildProcess) {
    this.address = `unix://${socketIn(dir)}`;
    this.#dir = dir;
    this.#child = child;
    this.#exited = once(child, "exit");
  }

  /** Resolves when it answers. Rejects with the last lines of its log. */
  static async start(): Promise<DockerDaemon> {
    const dir = await mkdtemp(join(tmpdir(), "sluice-dockerd-"));
    await using log = await open(join(dir, "log"), "w");
    const child = spawn(
      findTool("dockerd") ?? "dockerd",
      [
        ...["--host", `unix://${socketIn(dir)}`, "--data-root", join(dir, "data"), "--exec-root", join(dir, "exec")],
        ...["--pidfile", join(dir, "pid"), "--storage-driver", "vfs", "--bridge", "none"],
        ...["--iptables=false", "--ip6tables=false"],
      ],
      { stdio: ["ignore", log.fd, log.fd] },
    );
    const daemon = new DockerDaemon(dir, child);
    try {
      await daemon.#untilReady();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** The environment of a program that is to use this daemon. */
  get env(): { readonly DOCKER_HOST: string } {
    return { DOCKER_HOST: this.address };
  }

  /** Ends it with what it runs, and removes all that it kept. Idempotent. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
    await rm(this.#dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #untilReady(): Promise<void> {
    const attempts = START_TIMEOUT_MS / POLL_MS;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) break;
      if (await answers(socketIn(this.#dir))) return;
      await new Promise((resolve) => {
        setTimeout(resolve, POLL_MS);
      });
    }
    const log = await readFile(join(this.#dir, "log"), "utf8");
    throw new Error(`dockerd does not answer:\n${log.split("\n").slice(-15).join("\n")}`);
  }
}

function socketIn(dir: string): string {
  return join(dir, "docker.sock");
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: "/_ping" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("error", () => resolve(false));
    ping.end();
  });
}
