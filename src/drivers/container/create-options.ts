/** What the engine is told of a container (Docker Engine API, "Create a container"). */
import type Docker from "dockerode";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";
import { OPEN_FILES_MAX } from "../local/limits.ts";

const BYTES_PER_MB = 1024 * 1024;
const NANO_PER_CPU = 1e9;
/** Where an image's programs find a package. */
const CODE_FOLDER = "/code";

export interface ContainerPlan {
  readonly spec: StartSpec;
  /** Id of the image. */
  readonly image: string;
  /** For code packages; an image names its user itself. */
  readonly uid: number | undefined;
  readonly configuration: DriverConfiguration;
  readonly labels: Readonly<Record<string, string>>;
  /** Where its control groups are made; undefined: where the engine makes them. */
  readonly cgroupParent: string | undefined;
  /** Its port is published on the host's loopback through this network; undefined: it has one of its own, without any link. */
  readonly publishingNetwork: string | undefined;
  /** Whom it asks for names, unless its function says otherwise; none: whom the engine takes. */
  readonly nameServers: readonly string[];
  /** The engine's storage can limit what a container writes. */
  readonly limitsDisk: boolean;
  readonly openFilesMax: number;
}

export function createOptions(plan: ContainerPlan): Docker.ContainerCreateOptions {
  const { spec } = plan;
  const port = `${spec.caPort}/tcp`;
  return {
    name: `sluice-${spec.instanceId}`,
    Image: plan.image,
    Hostname: spec.instanceId,
    Labels: { ...plan.labels },
    Env: Object.entries(environmentOf(spec)).map(([name, value]) => `${name}=${value}`),
    ...programOf(plan),
    AttachStdout: true,
    AttachStderr: true,
    ...(plan.publishingNetwork !== undefined ? { ExposedPorts: { [port]: {} } } : {}),
    HostConfig: {
      ...limitsOf(plan),
      // Processes that others have left behind are reaped, and signals act on the program as they do outside.
      Init: true,
      // Whoever kills it, also when we are gone: the engine then removes what it wrote.
      AutoRemove: true,
      LogConfig: { Type: "none", Config: {} },
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: plan.configuration.containerReadOnlyRoot,
      ...(plan.configuration.containerReadOnlyRoot ? { Tmpfs: { "/tmp": tmpOptions(spec) } } : {}),
      ...(plan.configuration.containerRuntime === "" ? {} : { Runtime: plan.configuration.containerRuntime }),
      ...(plan.cgroupParent === undefined ? {} : { CgroupParent: plan.cgroupParent }),
      ...(plan.publishingNetwork !== undefined
        ? { NetworkMode: plan.publishingNetwork, PortBindings: { [port]: [{ HostIp: "127.0.0.1", HostPort: "" }] } }
        : { NetworkMode: "none" }),
      ...namesOf(plan),
      ...(spec.image === undefined
        ? { Mounts: [{ Type: "bind", Source: spec.codeDir, Target: CODE_FOLDER, ReadOnly: true }] }
        : {}),
    },
  };
}

/** Its resolv.conf. */
function namesOf({ spec: { dns, internetAccess }, nameServers }: ContainerPlan): Docker.HostConfig {
  const own = dns?.nameServers ?? [];
  const servers = own.length === 0 && internetAccess ? nameServers : own;
  return {
    ...(servers.length === 0 ? {} : { Dns: [...servers] }),
    ...(dns === undefined ? {} : { DnsSearch: [...dns.searches], DnsOptions: [...dns.options] }),
  };
}

/** What a package is started with takes the place of all that the image says; an image's own is kept where none is given. */
function programOf({ spec, uid }: ContainerPlan): Docker.ContainerCreateOptions {
  const { image } = spec;
  if (image !== undefined) {
    return {
      ...(image.command === undefined ? {} : { Entrypoint: [...image.command] }),
      ...(image.args === undefined ? {} : { Cmd: [...image.args] }),
    };
  }
  return {
    Entrypoint: [...spec.command],
    Cmd: [],
    WorkingDir: CODE_FOLDER,
    ...(uid === undefined ? {} : { User: `${uid}:${uid}` }),
  };
}

/** PATH is the image's; so is HOME, but that a package's uid has none. */
function environmentOf(spec: StartSpec): Record<string, string> {
  const port = String(spec.caPort);
  return {
    ...spec.environment,
    ...(spec.image === undefined ? { HOME: "/tmp" } : {}),
    FC_INSTANCE_ID: spec.instanceId,
    FC_SERVER_PORT: port,
    FC_CUSTOM_LISTEN_PORT: port,
    PORT: port,
  };
}

function limitsOf({ spec, configuration, cgroupParent, limitsDisk, openFilesMax }: ContainerPlan): Docker.HostConfig {
  const memoryBytes = spec.memoryMb * BYTES_PER_MB;
  // As JSON it would be null, which is no limit at all.
  if (!Number.isFinite(memoryBytes)) throw new Error(`EINVAL: a memory of ${spec.memoryMb} MB is no limit`);
  // In a group of ours the CPU is capped there, once the instance is ready; the engine caps from the start.
  const cpu = cgroupParent === undefined ? spec.cpu : undefined;
  const files = Math.min(OPEN_FILES_MAX, openFilesMax);
  return {
    Memory: memoryBytes,
    // Memory and swap together: no swap.
    MemorySwap: memoryBytes,
    PidsLimit: configuration.processesMax,
    ...(cpu === undefined ? {} : { NanoCpus: Math.round(cpu * NANO_PER_CPU) }),
    Ulimits: [
      { Name: "nofile", Soft: files, Hard: files },
      { Name: "core", Soft: 0, Hard: 0 },
    ],
    ...(limitsDisk ? { StorageOpt: { size: `${spec.diskMb}m` } } : {}),
  };
}

/** Half of the memory at most: what a program writes there counts as its memory. */
function tmpOptions({ diskMb, memoryMb }: StartSpec): string {
  return `rw,nosuid,nodev,exec,mode=1777,size=${Math.floor(Math.min(diskMb, memoryMb / 2))}m`;
}
