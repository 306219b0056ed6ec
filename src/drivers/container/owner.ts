/**
 * Whose a container is, in its labels: so that what a dead process left can be told from what a living one runs. A pid
 * alone would not do: it may be given to another process, and mean another one in another pid namespace.
 */

import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type Docker from "dockerode";
import type { Logger } from "../../base/base.ts";
import type { StartSpec } from "../driver.ts";
import { isRunning } from "../host/process-tree.ts";
import { readOrEmpty } from "../host/read-or-none.ts";
import { type Engine, engineStatus, engineWords } from "./engine.ts";

const OWNER_LABEL = "sluice.owner";

/** The labels of an instance that `process` runs, by its pid. */
export function labelsOf(spec: StartSpec, pid: number): Record<string, string> {
  return {
    [OWNER_LABEL]: ownerOf(pid),
    "sluice.instance": spec.instanceId,
    "sluice.function": spec.function,
  };
}

/** `host/pid namespace/pid/start time`. */
function ownerOf(pid: number): string {
  return [...realm(), pid, startOf(pid)].join("/");
}

/** Where pids mean the same. */
function realm(): readonly string[] {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: there is only one.
  }
  return [hostname(), namespace];
}

/** Clock ticks since the boot at which it began (proc(5), stat, field 22); empty where that is not known. */
function startOf(pid: number): string {
  const status = readOrEmpty(`/proc/${pid}/stat`);
  return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** Whether its owner is a process of this system that has ended. */
function isLeft(owner: string): boolean {
  const [host, namespace, pid = "", start] = owner.split("/");
  const [ourHost, ourNamespace] = realm();
  if (host !== ourHost || namespace !== ourNamespace || !/^\d+$/.test(pid)) return false;
  return !isRunning(Number(pid)) || startOf(Number(pid)) !== start;
}

/** A container that a Sluice which is no more has left. */
export interface LeftContainer {
  readonly id: string;
  readonly instance: string;
  readonly function: string;
}

/** Those of this engine. Rejects with what it says. */
export async function leftContainers({ docker }: Engine): Promise<LeftContainer[]> {
  const containers = await docker.listContainers({ all: true, filters: { label: [OWNER_LABEL] } });
  return containers
    .filter(({ Labels }) => isLeft(Labels[OWNER_LABEL] ?? ""))
    .map(({ Id, Labels }) => ({
      id: Id,
      instance: Labels["sluice.instance"] ?? "",
      function: Labels["sluice.function"] ?? "",
    }));
}

/** Kills and removes them. Resolves with those that it removed; what cannot be removed is logged. */
export async function removeLeftContainers(engine: Engine, logger: Logger): Promise<LeftContainer[]> {
  const left = await leftContainers(engine);
  const removed = await Promise.all(
    left.map(async (container) => {
      try {
        await removeContainer(engine.docker, container.id);
        return [container];
      } catch (error) {
        logger.warn("a container that a dead Sluice left cannot be removed", {
          ...container,
          error: engineWords(error),
        });
        return [];
      }
    }),
  );
  return removed.flat();
}

/** With force: it is killed first. Resolves when it is gone. Rejects with what the engine says. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  const container = docker.getContainer(id);
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (isGone(error)) return;
    // It is being removed already: AutoRemove.
    if (engineStatus(error) !== 409) throw error;
    await container.wait({ condition: "removed" }).catch((gone: unknown) => {
      if (!isGone(gone)) throw gone;
    });
  }
}

function isGone(error: unknown): boolean {
  return engineStatus(error) === 404;
}
