import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { missingPart } from "./clients.ts";

/** Why no registry can be started here, for `skip`; throws in CI. */
export const registryMissing = missingPart(
  spawnSync("docker-registry", ["--version"]).status === 0
    ? undefined
    : "docker-registry is not installed (Debian: apt-get install docker-registry)",
);

/** Whom the registry lets in, and the line of its htpasswd file: the password by bcrypt. */
export const REGISTRY_LOGIN = {
  userName: "puller",
  password: "pull-only",
  line: "puller:$2b$04$cosJE9/k2tw/F0dCLbHav.T8gX8hc9TTNnd/bmrJvzoXtHHbQNw/i",
};

/** The distribution project's registry on loopback, which asks everybody for name and password. */
export class Registry {
  /** Host and port, as references name it. */
  readonly host: string;
  readonly #dir: string;
  readonly #child: ChildProcess;

  private constructor(host: string, dir: string, child: ChildProcess) {
    this.host = host;
    this.#dir = dir;
    this.#child = child;
  }

  static async start(): Promise<Registry> {
    const dir = mkdtempSync(join(tmpdir(), "sluice-registry-"));
    const passwords = join(dir, "htpasswd");
    writeFileSync(passwords, `${REGISTRY_LOGIN.line}\n`);
    const configuration = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(dir, "data") } },
      http: { addr: "127.0.0.1:0" },
      auth: { htpasswd: { realm: "test", path: passwords } },
    };
    writeFileSync(join(dir, "config.yml"), stringify(configuration));
    const child = spawn("docker-registry", ["serve", join(dir, "config.yml")], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    let said = "";
    for await (const line of createInterface({ input: child.stderr })) {
      said += `${line}\n`;
      const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (host === undefined) continue;
      child.stderr.resume();
      return new Registry(host, dir, child);
    }
    rmSync(dir, { recursive: true });
    throw new Error(`The registry ended before it listened:\n${said}`);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    rmSync(this.#dir, { recursive: true });
  }
}
