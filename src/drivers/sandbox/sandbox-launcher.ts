/**
 * Instances in sandboxes of the kernel: bubblewrap's namespaces of mounts, pids, IPC and host name, a network namespace
 * from the pool, control groups, a filter of system calls, and a uid for each function. Linux; as root, or as an
 * ordinary user whose spawner is in a user namespace (user-namespace.ts). It shares the kernel with the host: not for
 * functions that are hostile to each other.
 *
 * spawner ── unshare ── bwrap (was the parked shell) ── bwrap (first of the sandbox's pids) ── program
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { Clock, Logger } from "../../base/base.ts";
import type { CgroupTree } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import { findTool } from "../host/find-tool.ts";
import { signalIfThere } from "../host/process-tree.ts";
import { childProgram } from "../local/launched-program.ts";
import type { Launched, Launcher, LaunchPlan } from "../local/launcher.ts";
import { limitsOf } from "../local/limits.ts";
import { descendant, killInside, namespacedFootprint } from "../local/namespaced-shell.ts";
import { type Egress, noEgress, openEgress } from "../network/egress.ts";
import { egressFeature, unmetEgress } from "../network/egress-feature.ts";
import { NO_NAME_SERVER, resolvConf } from "../network/resolv-conf.ts";
import type { SlirpHost } from "../network/slirp-host.ts";
import { hasSeccompFilter, seccompFilter } from "../seccomp/seccomp.ts";
import { lookAtHost, rootObstacle } from "./host-view.ts";
import { rootIdentity, userIdentity } from "./identity.ts";
import { NamespaceLook } from "./namespace-look.ts";
import { NamespacePool } from "./namespace-pool.ts";
import { endParked, PARKED_DISK_MB } from "./parked-namespace.ts";
import { type DisksOrReason, sandboxFeatures } from "./sandbox-features.ts";
import { sandboxScript } from "./sandbox-script.ts";
import { SCRATCH_FOLDER, ScratchDisks } from "./scratch-disks.ts";
import { stopForwarding } from "./user-namespace.ts";

/** The tools it is made of, with the Debian package of each. */
export const SANDBOX_TOOLS: Readonly<Record<string, string>> = {
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
  /** Folder for the disks of instances, made and removed by this launcher. */
  readonly scratchFolder: string;
  /** Where this process is root of a user namespace only, in a network of its own: who starts ways out. */
  readonly outside?: SlirpHost;
  /** False for a look at the host. */
  readonly changesHost?: boolean;
}

export async function createSandboxLauncher(options: SandboxLauncherOptions): Promise<Launcher> {
  const { clock, logger, configuration, cgroups } = options;
  const obstacle = findObstacle() ?? rootObstacle(configuration.sandboxRoot);
  const identity = options.outside ? userIdentity(configuration.processesMax, release()) : rootIdentity;
  if (identity.isSpawnerApart) stopForwarding();
  mkdirSync(options.scratchFolder, { recursive: true, mode: 0o700 });
  const disks =
    obstacle === undefined
      ? await openDisks(options.scratchFolder, identity.disksObstacle, logger)
      : { works: undefined, reason: obstacle };
  const egress = await openSandboxEgress(options, obstacle);
  const pool = new NamespacePool({
    clock,
    logger,
    size: configuration.networkPoolSize,
    ranges: configuration.networkRanges,
    cgroups,
    disks: disks.works,
    identity,
    egress,
  });
  const host = obstacle === undefined ? lookAtHost(options.nodePath, configuration.sandboxRoot) : undefined;
  const seccompFile = join(options.scratchFolder, "seccomp.bpf");
  if (hasSeccompFilter(process.arch)) writeFileSync(seccompFile, seccompFilter(process.arch), { mode: 0o600 });
  return {
    name: "sandbox",
    ownNetwork: true,
    limitsMemory: cgroups.version !== undefined,
    limitsProcesses: cgroups.limitsProcesses,
    capsCpu: cgroups.capsCpu,
    freezes: cgroups.canFreeze,
    measures: cgroups.canMeasure,
    runsImages: false,
    givesUids: true,
    obstacle,
    features:
      obstacle === undefined
        ? sandboxFeatures(cgroups, disks, identity, egressFeature(egress, configuration.egress))
        : [],
    unmet: unmetEgress(egress, configuration.egress),
    view: (spec) => host?.programView(spec.codeDir),
    async launch({ spec, uid }: LaunchPlan): Promise<Launched> {
      const namespace = await pool.take();
      const { child, addresses, shellPid, cgroup } = namespace;
      let mountDisk = "";
      try {
        cgroup.limit(limitsOf(spec, configuration));
        if (namespace.diskMb !== spec.diskMb) mountDisk = (await disks.works?.take(spec.diskMb))?.mountAndUnlink ?? "";
      } catch (error) {
        pool.hasStarted();
        await endParked(namespace);
        throw error;
      }
      const look = new NamespaceLook(shellPid, spec.caPort, clock);
      const hostArguments = host?.arguments ?? [];
      const tmpFolder = disks.works && SCRATCH_FOLDER;
      const isOpen = spec.internetAccess && egress.kind !== "none";
      const nameServers = isOpen ? resolvConf(spec.dns, egress.nameServers) : NO_NAME_SERVER;
      const plan = { spec, uid: uid!, identity, addresses, hostArguments, seccompFile, tmpFolder };
      child.stdin!.end(`${mountDisk}\n${sandboxScript({ ...plan, resolvConf: nameServers })}`);
      const { hostAddress } = addresses;
      const wayOut = isOpen
        ? egress.attach({ pid: shellPid, name: namespace.name, hostAddress, parkedRules: namespace.egressRules })
        : undefined;
      let hasStarted = false;
      const leaveProcessors = (): void => {
        if (!hasStarted) pool.hasStarted();
        hasStarted = true;
      };
      child.once("exit", () => {
        wayOut?.end();
        leaveProcessors();
      });
      return {
        program: childProgram(child),
        cgroup,
        endpoint: {
          host: addresses.instanceAddress,
          port: spec.caPort,
          localAddress: addresses.hostAddress,
          isSpawnersOnly: identity.isSpawnerApart,
        },
        look: () => look.look(),
        endLook() {
          look.end();
          wayOut?.hurry();
          leaveProcessors();
        },
        footprint() {
          const footprint = namespacedFootprint(child, cgroup);
          return { ...footprint, pids: [...footprint.pids, ...(wayOut?.pids() ?? [])] };
        },
        programPid: () => descendant(child, PROGRAM_GENERATION),
        terminate: () => signalIfThere(descendant(child, PROGRAM_GENERATION), "SIGTERM"),
        kill: () => killInside(child),
        release() {},
        explainExit: () => undefined,
      };
    },
    async close() {
      await pool.close();
      await egress.close();
      rmSync(options.scratchFolder, { recursive: true, force: true });
      cgroups.close();
    },
  };
}

function openSandboxEgress(options: SandboxLauncherOptions, obstacle: string | undefined): Promise<Egress> {
  if (obstacle !== undefined) return Promise.resolve(noEgress());
  const { outside, changesHost = true } = options;
  return openEgress({ ...options, outside, changesHost });
}

async function openDisks(folder: string, obstacle: string | undefined, logger: Logger): Promise<DisksOrReason> {
  try {
    if (obstacle !== undefined) throw new Error(obstacle);
    return { works: await ScratchDisks.open(folder, PARKED_DISK_MB), reason: "" };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn("what functions write to /tmp counts as their memory, and is half of it at most", { reason });
    return { works: undefined, reason };
  }
}

function findObstacle(): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  if (!hasSeccompFilter(process.arch)) return `there is no filter of system calls for this CPU, ${process.arch}`;
  const missing = Object.keys(SANDBOX_TOOLS).filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((tool) => SANDBOX_TOOLS[tool]))];
  return `${missing.join(", ")} not found: install the packages ${packages.join(", ")} (apt-get install ${packages.join(" ")})`;
}
