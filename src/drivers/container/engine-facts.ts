/** What matters to us of an engine and the system that it runs on. */
import { release } from "node:os";
import { readOrEmpty } from "../host/read-or-none.ts";
import type { Engine } from "./engine.ts";

export interface EngineFacts {
  readonly isPodman: boolean;
  /** Its containers are processes of this very system, not of a virtual machine or another one. */
  readonly isHere: boolean;
  /** It has no root: user ids are those of a user namespace. */
  readonly isRootless: boolean;
  /** Control groups for a container can be asked for by their path. */
  readonly takesCgroupPaths: boolean;
}

/** Rejects with what the engine says. */
export async function engineFacts({ docker, address }: Engine): Promise<EngineFacts> {
  const [info, version] = await Promise.all([docker.info(), docker.version()]);
  const security = (info.SecurityOptions ?? []) as readonly string[];
  const components = (version as { Components?: readonly { Name?: string }[] }).Components ?? [];
  return {
    isPodman: components.some(({ Name }) => Name?.startsWith("Podman")),
    isHere: process.platform === "linux" && address.startsWith("unix://") && info.KernelVersion === release(),
    isRootless: security.some((option) => option.includes("rootless")),
    takesCgroupPaths: info.CgroupDriver === "cgroupfs",
  };
}

/** Open files that a process of this system may have at most (proc(5), limits); infinite where that is not known. */
export function hardOpenFilesLimit(): number {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readOrEmpty("/proc/self/limits"))?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}
