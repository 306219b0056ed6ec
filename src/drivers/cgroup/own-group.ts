/**
 * Where in the hierarchy of version 2 the groups of instances may be made. The kernel lets a group have processes, or
 * hand controllers down to groups below it, never both, the root of all excepted (cgroup-v2.rst, "No Internal Process
 * Constraint"). A service manager hands a group over to whoever runs in it (systemd: Delegate=yes); everything else is
 * its own, and nothing of ours is made there. So: in the group that Sluice itself runs in, if that was handed over, and
 * what runs in it moves into a group below; else, for root, at the top of what is mounted.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { TOOL_PATH } from "../host/find-tool.ts";
import { readOrEmpty } from "../host/read-or-none.ts";

/** The group below one that was handed over, into which moves what runs there. It stays: these processes live in it. */
export const PROCESSES_GROUP = "sluice-processes";
const MOVES_MAX = 20;
const SYSTEMCTL_LIMIT_MS = 5_000;

export interface Base {
  /** Folder below which trees are made. */
  readonly folder: string;
  /** Lets it hand down controllers, for which it must be empty of processes. Throws when it cannot. */
  handDown(controllers: readonly string[]): void;
}

/** `root` is where version 2 is mounted. Throws an Error that says why there is no such place. */
export function chooseBase(root: string): Base {
  const own = ownGroup(root);
  // Only the root of all has no type.
  if (own === root && !existsSync(join(root, "cgroup.type"))) return plainBase(root);
  if (basename(own) === PROCESSES_GROUP) return plainBase(dirname(own));
  if (isHandedOver(own)) return emptiedBase(own);
  if (isRootOfHost()) return plainBase(root);
  throw new Error(
    `the control group of Sluice, ${own}, was not handed over to it: start it as a systemd service with Delegate=yes`,
  );
}

/** Folder of the group that this process is in (cgroups(7): the line of /proc/self/cgroup that begins with `0::`). */
function ownGroup(root: string): string {
  const path = /^0::(\/.*)$/m.exec(readOrEmpty("/proc/self/cgroup"))?.[1] ?? "/";
  const folder = path === "/" ? root : join(root, path);
  // Where only a part of the hierarchy is mounted, the path may lead out of it.
  return existsSync(join(folder, "cgroup.procs")) ? folder : root;
}

function plainBase(folder: string): Base {
  return { folder, handDown: (controllers) => writeControllers(folder, controllers) };
}

function emptiedBase(folder: string): Base {
  return {
    folder,
    handDown(controllers) {
      const inner = join(folder, PROCESSES_GROUP);
      mkdirSync(inner, { recursive: true });
      for (let moves = 0; ; moves++) {
        for (const pid of processesOf(folder)) move(pid, inner);
        try {
          writeControllers(folder, controllers);
          return;
        } catch (error) {
          // EBUSY: what has just been forked there.
          if (moves === MOVES_MAX || processesOf(folder).length === 0) throw error;
        }
      }
    },
  };
}

/**
 * Whether the group was given to whoever runs in it. Without root that shows in who may write to it. For root, who may
 * write everywhere, systemd is asked; where that does not run, nobody but Sluice and what started it may be in it.
 */
function isHandedOver(folder: string): boolean {
  try {
    for (const file of ["", "cgroup.procs", "cgroup.subtree_control"]) {
      accessSync(join(folder, file), constants.W_OK);
    }
  } catch {
    return false;
  }
  if (!isRootOfHost()) return true;
  if (existsSync("/run/systemd/system")) return isDelegatedUnit(folder);
  const ours = new Set(ancestry());
  return processesOf(folder).every((pid) => ours.has(pid));
}

function isDelegatedUnit(folder: string): boolean {
  const unit = folder.split("/").findLast((part) => /\.(service|scope)$/.test(part));
  if (unit === undefined) return false;
  try {
    const told = execFileSync("systemctl", ["show", "--property=Delegate", "--value", unit], {
      env: { PATH: TOOL_PATH },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: SYSTEMCTL_LIMIT_MS,
    });
    return told.trim() === "yes";
  } catch {
    return false;
  }
}

/** Root in a user namespace is another user outside (user_namespaces(7): the first namespace maps all ids to themselves). */
function isRootOfHost(): boolean {
  return process.getuid?.() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readOrEmpty("/proc/self/uid_map"));
}

/** Pids of this process and of those above it. */
function ancestry(): number[] {
  const pids: number[] = [];
  for (let pid = process.pid; pid > 0; ) {
    pids.push(pid);
    const status = readOrEmpty(`/proc/${pid}/stat`);
    pid = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return pids;
}

function processesOf(folder: string): number[] {
  return readOrEmpty(join(folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
}

function move(pid: number, folder: string): void {
  try {
    writeFileSync(join(folder, "cgroup.procs"), String(pid));
  } catch (error) {
    // ESRCH: it has ended.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Writes only what is missing: a service manager may have handed them down, and not allow more. */
export function writeControllers(folder: string, controllers: readonly string[]): void {
  const file = join(folder, "cgroup.subtree_control");
  const present = existsSync(file) ? readFileSync(file, "utf8").trim().split(" ") : [];
  const missing = controllers.filter((controller) => !present.includes(controller));
  if (missing.length > 0) writeFileSync(file, missing.map((controller) => `+${controller}`).join(" "));
}
