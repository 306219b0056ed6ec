/** What both kinds of launch of the process driver share. */
import type { ChildProcess } from "node:child_process";
import { signalIfThere } from "../host/process-tree.ts";
import { childProgram } from "../local/launched-program.ts";
import type { Launched, LaunchPlan } from "../local/launcher.ts";
import { programScript } from "../local/program-script.ts";
import { connectLook, givenPort, ownSocketsLook } from "./own-sockets.ts";
import type { ProcessSurroundings } from "./process-launcher.ts";
import { driverEnvironment, processView } from "./process-view.ts";

/** The script with which the function's program begins, already as its uid. */
export function processScript({ spec, uid }: LaunchPlan, { nodePath, port }: ProcessSurroundings): string {
  const view = processView({ codeDir: spec.codeDir, nodePath, isOtherUser: uid !== undefined });
  const environment: Record<string, string> = { ...spec.environment, ...driverEnvironment(view, port) };
  environment["FC_INSTANCE_ID"] = spec.instanceId;
  environment["FC_FUNC_CODE_PATH"] = spec.codeDir;
  return programScript(environment, spec.command.map(view.translate));
}

export function launchedProcess(
  { spec }: LaunchPlan,
  { clock, ports, port }: ProcessSurroundings,
  own: Pick<Launched, "cgroup" | "footprint" | "programPid" | "kill"> & {
    readonly child: ChildProcess;
    readonly pids: () => readonly number[];
  },
): Launched {
  const hasProc = process.platform === "linux";
  return {
    program: childProgram(own.child),
    cgroup: own.cgroup,
    footprint: own.footprint,
    programPid: own.programPid,
    terminate: () => signalIfThere(own.programPid(), "SIGTERM"),
    kill: own.kill,
    endpoint: { host: "127.0.0.1", port },
    look: hasProc ? ownSocketsLook({ clock, port, caPort: spec.caPort, pids: own.pids }) : connectLook(port),
    endLook() {},
    release: () => ports.release(port),
    explainExit: (stderrTail) =>
      /address already in use|EADDRINUSE/i.test(stderrTail)
        ? { remark: `its port was in use, ${givenPort(port)}` }
        : undefined,
  };
}
