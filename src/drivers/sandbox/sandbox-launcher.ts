/**
 * Instances in sandboxes of the kernel: bubblewrap's namespaces of mounts, pids, IPC and host name, a network namespace
 * from the pool, control groups, a filter of system calls, and a uid for each function. Linux, as root. It shares the kernel with the host: not
 * for functions that are hostile to each other.
 *
 * spawner ── unshare ── bwrap (was the parked shell) ── bwrap (first of the sandbox's pids) ── program
 */
import type { Clock, Logger } from "../../base/base.ts";
import type { CgroupTree } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { findTool } from "../host/find-tool.ts";
import { signalIfThere } from "../host/process-tree.ts";
import { openUnnamedFile } from "../host/unnamed-file.ts";
import { childProgram } from "../local/launched-program.ts";
import type { Launched, Launcher, LaunchPlan } from "../local/launcher.ts";
import { limitsOf } from "../local/limits.ts";
import { descendant, killInside, namespacedFootprint } from "../local/namespaced-shell.ts";
import { hasSeccompFilter, seccompFilter } from "../seccomp/seccomp.ts";
import { lookAtHost } from "./host-view.ts";
import { NamespaceLook } from "./namespace-look.ts";
import { NamespacePool } from "./namespace-pool.ts";
import { endParked } from "./parked-namespace.ts";
import { sandboxScript } from "./sandbox-script.ts";

/** The tools it is made of, with the Debian package of each. */
const TOOLS: Readonly<Record<string, string>> = {
  bwrap: "bubblewrap",
  unshare: "util-linux",
  nsenter: "util-linux",
  setpriv: "util-linux",
  ip: "iproute2",
  nft: "nftables",
};
const PROGRAM_GENERATION = 3;

export interface SandboxLauncherOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configuration: DriverConfiguration;
  readonly cgroups: CgroupTree;
  /** The Node.js that functions find first in PATH. */
  readonly nodePath: string;
}

export async function createSandboxLauncher(options: SandboxLauncherOptions): Promise<Launcher> {
  const { clock, logger, configuration, cgroups } = options;
  const obstacle = findObstacle();
  const pool = new NamespacePool({
    clock,
    logger,
    size: configuration.networkPoolSize,
    ranges: configuration.networkRanges,
    cgroups,
  });
  const host = obstacle === undefined ? lookAtHost(options.nodePath) : undefined;
  const seccomp = hasSeccompFilter(process.arch) ? openUnnamedFile(seccompFilter(process.arch)) : undefined;
  return {
    name: "sandbox",
    ownNetwork: true,
    limitsMemory: cgroups.version !== undefined,
    freezes: cgroups.canFreeze,
    measures: cgroups.canMeasure,
    runsImages: false,
    givesUids: true,
    obstacle,
    view: (spec) => host?.programView(spec.codeDir) ?? { path: [], toHost: () => undefined },
    async launch({ spec, uid }: LaunchPlan): Promise<Launched> {
      const namespace = await pool.take();
      const { child, addresses, shellPid, cgroup } = namespace;
      try {
        cgroup.limit(limitsOf(spec, configuration));
      } catch (error) {
        await endParked(namespace);
        throw error;
      }
      const look = new NamespaceLook(shellPid, spec.caPort, clock);
      const hostArguments = host?.arguments ?? [];
      child.stdin!.end(sandboxScript({ spec, uid: uid!, addresses, hostArguments, seccompFile: seccomp!.path }));
      return {
        program: childProgram(child),
        cgroup,
        endpoint: { host: addresses.instanceAddress, port: spec.caPort, localAddress: addresses.hostAddress },
        look: () => look.look(),
        endLook: () => look.end(),
        footprint: () => namespacedFootprint(child, cgroup),
        programPid: () => descendant(child, PROGRAM_GENERATION),
        terminate: () => signalIfThere(descendant(child, PROGRAM_GENERATION), "SIGTERM"),
        kill: () => killInside(child),
        release() {},
        explainExit: () => undefined,
      };
    },
    async close() {
      await pool.close();
      seccomp?.close();
      cgroups.close();
    },
  };
}

function findObstacle(): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  if (process.getuid?.() !== 0) return "it needs root in this version: start Sluice as root, or use isolation process";
  if (!hasSeccompFilter(process.arch)) return `there is no filter of system calls for this CPU, ${process.arch}`;
  const missing = Object.keys(TOOLS).filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((tool) => TOOLS[tool]))];
  return `${missing.join(", ")} not found: install the packages ${packages.join(", ")} (apt-get install ${packages.join(" ")})`;
}
