/**
 * What an instance leaves on the host, as plain data: enough for another process to end it when the spawner that
 * started it is gone.
 */
import { type Clock, sleep } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import { type FreezerGroup, isCgroupEmpty, killCgroup, removeCgroup, thawGroup } from "../cgroup/cgroup.ts";
import { isRunning, processesWithVariable, signal } from "../host/process-tree.ts";

export interface Footprint {
  /** Processes that were known when this was made. */
  readonly pids: readonly number[];
  /** Process group of the instance, where it has one of its own. */
  readonly processGroup: number | undefined;
  readonly cgroupFolders: readonly string[];
  readonly freezer: FreezerGroup | undefined;
  /** FC_INSTANCE_ID in the environment of further processes; undefined where the pids bring down all others. */
  readonly mark: InstanceId | undefined;
  /** Where it is a container: by whom it is run, as DOCKER_HOST would say it, and its id there. */
  readonly container?: { readonly engine: string; readonly id: string };
}

const LOOK_MS = 5;
/** A process that the kernel does not let go for this long hangs in a system call; we cannot do more. */
const END_LIMIT_MS = 10_000;

/** SIGKILL for everything that the footprint names, then a thaw: in version 1 what is frozen ends only after it. */
export function killFootprint(footprint: Footprint): void {
  for (const pid of footprint.pids) signal(pid, "SIGKILL");
  if (footprint.processGroup !== undefined) signal(-footprint.processGroup, "SIGKILL");
  for (const pid of marked(footprint)) signal(pid, "SIGKILL");
  for (const folder of footprint.cgroupFolders) killCgroup(folder);
  if (footprint.freezer !== undefined) thawIfThere(footprint.freezer);
}

/** Does nothing where the group is gone: then nothing is frozen in it. */
export function thawIfThere(group: FreezerGroup): void {
  try {
    thawGroup(group);
  } catch {
    // Removed at the end of all that ran in it.
  }
}

function marked({ mark }: Footprint): number[] {
  return mark === undefined ? [] : processesWithVariable("FC_INSTANCE_ID", mark).filter(isRunning);
}

function hasEnded(footprint: Footprint): boolean {
  const { pids, processGroup, cgroupFolders } = footprint;
  if (pids.some(isRunning) || !cgroupFolders.every(isCgroupEmpty)) return false;
  return (processGroup === undefined || !signal(-processGroup, 0)) && marked(footprint).length === 0;
}

/** Kills until nothing of it runs, then removes its control groups. */
export async function endFootprint(footprint: Footprint, clock: Clock): Promise<void> {
  const startedAt = clock.nowMs();
  while (!hasEnded(footprint) && clock.nowMs() - startedAt < END_LIMIT_MS) {
    killFootprint(footprint);
    await sleep(clock, LOOK_MS);
  }
  for (const folder of footprint.cgroupFolders) removeCgroup(folder);
}
