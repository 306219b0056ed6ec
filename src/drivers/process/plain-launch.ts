/**
 * A program as an ordinary child in a session and process group of its own. Descendants that leave the group are found
 * by the instance id in their environment (Linux); those that also clear their environment are not.
 */
import { spawn } from "node:child_process";
import { noCgroups } from "../cgroup/cgroup.ts";
import { StartError } from "../driver.ts";
import { closedFolder } from "../host/closed-folder.ts";
import { processesWithVariable, signal, treeOf } from "../host/process-tree.ts";
import type { Launched, LaunchPlan } from "../local/launcher.ts";
import { launchedProcess, processScript } from "./launched-process.ts";
import type { ProcessSurroundings } from "./process-launcher.ts";

/** `canEndWithUs`: setpriv(1) is there, so that the program ends when this process does. */
export function launchPlain(plan: LaunchPlan, around: ProcessSurroundings, canEndWithUs: boolean): Launched {
  const { spec, uid } = plan;
  const closed = uid === undefined ? undefined : closedFolder(spec.codeDir);
  if (closed !== undefined) {
    const message =
      `user id ${uid}, as which it runs, cannot enter ${closed}, and this host does not let Sluice mount the package ` +
      "elsewhere: keep Sluice's data in a folder that every user can enter (--data), or do not run Sluice as root";
    throw new StartError("CAFilePermission", message, "");
  }
  const command = canEndWithUs ? ["setpriv", "--pdeathsig", "KILL", "/bin/sh", "-s"] : ["/bin/sh", "-s"];
  const [program = "", ...rest] = command;
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(program, rest, { cwd: spec.codeDir, env: {}, detached: true, ...identity });
  child.stdin.on("error", () => {});
  child.stdin.end(processScript(plan, around));

  const pids = (): number[] => {
    const tree = child.pid === undefined || child.exitCode !== null ? [] : treeOf(child.pid);
    return [...new Set([...tree, ...processesWithVariable("FC_INSTANCE_ID", spec.instanceId)])];
  };
  return launchedProcess(plan, around, {
    child,
    cgroup: noCgroups.create(spec.instanceId),
    pids,
    footprint: () => ({
      pids: pids(),
      processGroup: child.pid,
      cgroupFolders: [],
      freezer: undefined,
      mark: spec.instanceId,
    }),
    programPid: () => child.pid,
    kill() {
      if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
      for (const pid of pids()) signal(pid, "SIGKILL");
    },
  });
}
