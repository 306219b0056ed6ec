/**
 * Instances as plain processes of this machine, told apart by their ports. For development, and where no stronger
 * isolation works. Where Linux allows it they are in namespaces of mounts and pids, so that nothing of them can stay
 * behind, and as root they run as the function's uid (namespaced-launch); else they are ordinary children (plain-launch).
 */
import { execFile } from "node:child_process";
import type { Clock } from "../../base/base.ts";
import type { CgroupTree } from "../cgroup/cgroup.ts";
import { cgroupFeatures } from "../cgroup/cgroup-features.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";
import { findTool, TOOL_PATH } from "../host/find-tool.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Launched, Launcher, LaunchPlan } from "../local/launcher.ts";
import { namespacedShell } from "../local/namespaced-shell.ts";
import { launchNamespaced, processNamespaces } from "./namespaced-launch.ts";
import { launchPlain } from "./plain-launch.ts";
import { PortTable } from "./port-table.ts";
import { processView } from "./process-view.ts";

export interface ProcessLauncherOptions {
  readonly clock: Clock;
  readonly configuration: DriverConfiguration;
  /** The Node.js that functions find first in PATH. */
  readonly nodePath: string;
  readonly cgroups: CgroupTree;
  /** False: no namespaces even where they work. */
  readonly useNamespaces?: boolean;
}

/** What the launches need beside the plan. */
export interface ProcessSurroundings extends ProcessLauncherOptions {
  readonly ports: PortTable;
  readonly port: number;
}

/** Tries what this host allows. */
export async function createProcessLauncher(options: ProcessLauncherOptions): Promise<Launcher> {
  const isRoot = process.getuid?.() === 0;
  const wantsNamespaces = process.platform === "linux" && options.useNamespaces !== false;
  const namespaces = processNamespaces(isRoot);
  const isNamespaced = wantsNamespaces && (await succeeds([...namespacedShell(namespaces), "-c", ":"]));
  const canEndWithUs = !isNamespaced && (await succeeds(["setpriv", "--pdeathsig", "KILL", "/bin/sh", "-c", ":"]));
  const ports = new PortTable(options.configuration.portFirst, options.configuration.portCount);
  return {
    name: "process",
    ownNetwork: false,
    limitsMemory: isNamespaced && options.cgroups.version !== undefined,
    limitsProcesses: isNamespaced && options.cgroups.limitsProcesses,
    capsCpu: isNamespaced && options.cgroups.capsCpu,
    freezes: isNamespaced && options.cgroups.canFreeze,
    measures: isNamespaced && options.cgroups.canMeasure,
    runsImages: false,
    givesUids: isRoot,
    features: processFeatures(isNamespaced, options.cgroups),
    obstacle: findTool("sh") === undefined ? "there is no /bin/sh" : undefined,
    view: (spec: StartSpec) => processView({ codeDir: spec.codeDir, nodePath: options.nodePath, isOtherUser: isRoot }),
    async launch(plan: LaunchPlan): Promise<Launched> {
      const port = await ports.take();
      const around = { ...options, ports, port };
      try {
        return isNamespaced ? launchNamespaced(plan, around) : launchPlain(plan, around, canEndWithUs);
      } catch (error) {
        ports.release(port);
        throw error;
      }
    },
    async close() {
      options.cgroups.close();
    },
  };
}

function processFeatures(isNamespaced: boolean, cgroups: CgroupTree): readonly HostFeature[] {
  const isolation = {
    name: "isolation from the host",
    works: false,
    detail: "a function sees the host's files and network: for code of your own alone",
  };
  const name = "the end of all that a function has started";
  return isNamespaced
    ? [isolation, { name, works: true, detail: "pid namespaces" }, ...cgroupFeatures(cgroups)]
    : [
        isolation,
        { name, works: false, detail: "no pid namespaces: its processes are looked for by their environment" },
      ];
}

function succeeds(command: readonly string[]): Promise<boolean> {
  const [program = "", ...rest] = command;
  return new Promise((resolve) =>
    execFile(program, rest, { env: { PATH: TOOL_PATH } }, (error) => resolve(error === null)),
  );
}
