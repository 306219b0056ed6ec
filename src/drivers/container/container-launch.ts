/** One container, from its creation to its removal. */
import type Docker from "dockerode";
import type { Clock } from "../../base/base.ts";
import { type Cgroup, Freezer, removeCgroup } from "../cgroup/cgroup.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";
import { childrenOf, isRunning, signal } from "../host/process-tree.ts";
import { exitStatus } from "../local/exit-status.ts";
import type { Ending, LaunchedProgram } from "../local/launched-program.ts";
import type { Launched, LaunchPlan } from "../local/launcher.ts";
import { limitsOf } from "../local/limits.ts";
import type { ContainerCgroups } from "./container-cgroups.ts";
import {
  type ContainerConnection,
  type LinkPlace,
  linkedConnection,
  noConnection,
  publishedConnection,
} from "./container-connection.ts";
import type { ContainerFactory } from "./container-factory.ts";
import { attachProgram } from "./container-program.ts";
import type { Engine } from "./engine.ts";
import { engineControl } from "./engine-freezing.ts";
import { engineCgroup, observedCgroup } from "./engine-usage.ts";
import type { OomWatch } from "./oom-watch.ts";
import { removeContainer } from "./owner.ts";
import { engineFault, exitFault } from "./start-fault.ts";

const BYTES_PER_MB = 1024 * 1024;
/**
 * The kernel charges memory in batches, so that a group out of memory may have used a little less than its limit. It
 * counts a kill in a group that the engine removes with the container, often before anybody has looked: a program that
 * was killed at its limit, not by us, has run out of memory.
 */
const UNCHARGED_BYTES = BYTES_PER_MB;

/** What launches share. */
export interface ContainerSurroundings {
  readonly clock: Clock;
  readonly configuration: DriverConfiguration;
  readonly engine: Engine;
  readonly factory: ContainerFactory;
  readonly oomWatch: OomWatch;
  /** Undefined: the engine makes control groups where it likes. */
  readonly cgroups: ContainerCgroups | undefined;
  /** For links of ours; undefined: the engine publishes a port. */
  readonly links: LinkPlace | undefined;
}

export async function launchContainer({ spec, uid }: LaunchPlan, around: ContainerSurroundings): Promise<Launched> {
  const { engine, factory, cgroups } = around;
  const group = cgroups?.create(spec.instanceId);
  let container: Docker.Container | undefined;
  try {
    group?.cgroup.limit(limitsOf(spec, around.configuration));
    container = await factory.create(spec, uid, group?.path);
    const program = await attachProgram(engine, container);
    await container.start().catch((error: unknown) => {
      throw engineFault(error, spec);
    });
    const info = await container.inspect();
    const cgroup = group?.cgroup ?? foreignCgroup(container, info, around);
    const connection = await connect(info, spec, around);
    return launched({ container, info, cgroup, program, connection, spec, uid }, around);
  } catch (error) {
    if (container !== undefined) await removeContainer(engine.docker, container.id).catch(() => {});
    for (const folder of group?.cgroup.folders ?? []) removeCgroup(folder);
    throw error;
  }
}

/** The group that the engine has made. */
function foreignCgroup(
  container: Docker.Container,
  { State }: Docker.ContainerInspectInfo,
  { links, oomWatch }: ContainerSurroundings,
): Cgroup {
  const ranOutOfMemory = () => oomWatch.has(container.id);
  const observed = links === undefined ? undefined : observedCgroup(State.Pid, ranOutOfMemory);
  return observed ?? engineCgroup(container, ranOutOfMemory);
}

/** Over a link into its network, or through the port that the engine has published. */
async function connect(
  info: Docker.ContainerInspectInfo,
  spec: StartSpec,
  { links, clock }: ContainerSurroundings,
): Promise<ContainerConnection> {
  const { State } = info;
  if (links === undefined) return publishedConnection(info, spec.caPort);
  // It has ended already: its exit tells more than a link that cannot be made.
  if (State.Pid === 0) return noConnection(spec.caPort);
  try {
    return await linkedConnection(links, State.Pid, spec, clock);
  } catch (error) {
    if (!isRunning(State.Pid)) return noConnection(spec.caPort);
    throw error;
  }
}

interface Started extends LaunchPlan {
  readonly container: Docker.Container;
  readonly info: Docker.ContainerInspectInfo;
  readonly cgroup: Cgroup;
  readonly program: LaunchedProgram;
  readonly connection: ContainerConnection;
}

function launched(started: Started, { engine, oomWatch, links, clock }: ContainerSurroundings): Launched {
  const { container, info, cgroup, program, connection, spec } = started;
  // Where the engine is elsewhere, its pids mean other processes here.
  const initPid = links !== undefined && info.State.Pid !== 0 ? info.State.Pid : undefined;
  let hasEnded = false;
  let peakBytes = 0;
  const ended = program.ended.then((ending) => {
    hasEnded = true;
    peakBytes = peakOf(cgroup);
    connection.wayOut?.end();
    return ending;
  });
  const tell = (name: "SIGTERM" | "SIGKILL"): boolean => {
    if (hasEnded) return false;
    if (initPid !== undefined) return signal(initPid, name);
    container.kill({ signal: name }).catch(() => {
      // It ends, or the engine does; either is noticed.
    });
    return true;
  };
  return {
    program: { ...program, ended },
    cgroup,
    freezing: new Freezer(engineControl(container, clock), clock),
    ...connection,
    footprint: () => ({
      pids: [...(initPid === undefined ? [] : [initPid]), ...(connection.wayOut?.pids() ?? [])],
      processGroup: undefined,
      cgroupFolders: cgroup.folders,
      freezer: cgroup.freezer,
      mark: undefined,
      container: { engine: engine.address, id: container.id },
    }),
    programPid: () => (initPid === undefined ? undefined : childrenOf(initPid)[0]),
    terminate: () => tell("SIGTERM"),
    kill: () => void tell("SIGKILL"),
    async release() {
      await removeContainer(engine.docker, container.id).catch(() => {
        // The engine does it, or the next start of Sluice does.
      });
      for (const folder of cgroup.folders) removeCgroup(folder);
    },
    ranOutOfMemory(ending) {
      const isTold = oomWatch.has(container.id);
      oomWatch.forget(container.id);
      return isTold || (isKilled(ending) && peakBytes >= spec.memoryMb * BYTES_PER_MB - UNCHARGED_BYTES);
    },
    explainExit: (stderrTail, code) => exitFault(spec, stderrTail, code),
  };
}

/** Zero where it cannot be read. */
function peakOf(cgroup: Cgroup): number {
  try {
    return cgroup.usage(undefined)?.memoryPeakBytes ?? 0;
  } catch {
    return 0;
  }
}

function isKilled({ code, signal: name }: Ending): boolean {
  return exitStatus(code, name).signal === "SIGKILL";
}
