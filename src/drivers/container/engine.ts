/**
 * The container engine of this machine: Docker, or Podman, which speaks the same API (Docker Engine API, version 1.40 and
 * later) at its socket.
 */
import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";

export interface Engine {
  readonly docker: Docker;
  /** Where it answers, as DOCKER_HOST would name it. */
  readonly address: string;
}

/** No engine answers. The message says what was tried and what to do. */
export class NoEngineError extends Error {
  constructor(reason: string) {
    super(`${reason}: start Docker or Podman, or set DOCKER_HOST to the address of one (unix:///path/to/its.sock)`);
    this.name = "NoEngineError";
  }
}

export interface EngineOptions {
  /** In place of DOCKER_HOST: `unix://` and the path of a socket. */
  readonly address?: string;
}

/** Finds one that answers. Rejects with NoEngineError. The client is loaded by the first who needs one. */
export async function openEngine({ address }: EngineOptions = {}): Promise<Engine> {
  const { default: Client } = await import("dockerode");
  const given = address ?? process.env["DOCKER_HOST"];
  if (given !== undefined && given !== "") {
    // What is no socket (tcp, ssh, certificates) the client reads from the environment itself.
    const docker = new Client(given.startsWith("unix://") ? { socketPath: given.slice("unix://".length) } : {});
    const reason = await silence(docker);
    if (reason === undefined) return { docker, address: given };
    throw new NoEngineError(`no container engine answers at ${given} (${reason})`);
  }
  const reasons: string[] = [];
  for (const socketPath of usualSockets()) {
    if (!(await isThere(socketPath))) continue;
    const docker = new Client({ socketPath });
    const reason = await silence(docker);
    if (reason === undefined) return { docker, address: `unix://${socketPath}` };
    reasons.push(`${socketPath}: ${reason}`);
  }
  throw new NoEngineError(
    reasons.length === 0 ? "there is no container engine" : `none answers (${reasons.join("; ")})`,
  );
}

/** Where engines listen: Docker, Docker Desktop, without root, Colima, OrbStack, Rancher Desktop, Podman, its machine. */
function usualSockets(): string[] {
  const home = homedir();
  const runtimeDir = process.env["XDG_RUNTIME_DIR"];
  return [
    "/var/run/docker.sock",
    join(home, ".docker/run/docker.sock"),
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "docker.sock")]),
    join(home, ".colima/default/docker.sock"),
    join(home, ".orbstack/run/docker.sock"),
    join(home, ".rd/docker.sock"),
    "/run/podman/podman.sock",
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, "podman/podman.sock")]),
    join(home, ".local/share/containers/podman/machine/podman.sock"),
  ];
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Why it does not answer; undefined when it does. */
async function silence(docker: Docker): Promise<string | undefined> {
  try {
    await docker.ping();
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES") return "permission denied: the user who runs Sluice must be in the socket's group";
    if (code === "ECONNREFUSED" || code === "ENOENT") return "nothing listens there";
    return engineWords(error);
  }
}

/** What the engine, or a registry through it, says of a request that failed, without what the client puts around it. */
export function engineWords(error: unknown): string {
  const said = (error as { json?: { message?: unknown } }).json?.message;
  if (typeof said === "string" && said.trim() !== "") return said.trim();
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\(HTTP code \d+\) [^-]* - /, "").trim();
}

/** HTTP status of the engine's answer to a request that failed; undefined where there was none. */
export function engineStatus(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}
