/** What a parked shell is told, to become a sandbox with a function's program in it. */

import type { StartSpec } from "../driver.ts";
import { inputs, programScript } from "../local/program-script.ts";
import { commandLine, quote } from "../local/shell-words.ts";
import type { LinkAddresses } from "./address-plan.ts";
import { NODE_FOLDER } from "./host-view.ts";
import type { SandboxIdentity } from "./identity.ts";

const BYTES_PER_MB = 1024 * 1024;

export interface SandboxPlan {
  readonly spec: StartSpec;
  readonly uid: number;
  readonly identity: SandboxIdentity;
  readonly addresses: LinkAddresses;
  /** Options of bubblewrap for what it sees of the host. */
  readonly hostArguments: readonly string[];
  /** File with the filter of system calls. */
  readonly seccompFile: string;
  /** What it has as /tmp; undefined: memory. */
  readonly tmpFolder: string | undefined;
  /** Text of /etc/resolv.conf. */
  readonly resolvConf: string;
}

/** Below those of the texts. */
const SECCOMP_DESCRIPTOR = 4;

/**
 * The script: turn into bubblewrap (bwrap(1)), which makes the new root. In there it becomes the function's user and
 * starts the program.
 */
export function sandboxScript(plan: SandboxPlan): string {
  const files = Object.entries(etcFiles(plan)).map(([path, content], index) => ({
    path,
    content,
    descriptor: 5 + index,
  }));
  const command = [
    "bwrap",
    ...isolationArguments(plan),
    ...plan.identity.bubblewrapArguments(plan.uid),
    ...["--seccomp", String(SECCOMP_DESCRIPTOR)],
    ...plan.hostArguments,
    ...files.flatMap(({ path, descriptor }) => ["--perms", "0644", "--file", String(descriptor), path]),
    // Without root all of it belongs to the function's user.
    ...["/dev", "/"].flatMap((mount) => ["--remount-ro", mount]),
    "--",
    ...plan.identity.becomeUser(plan.uid),
    "/bin/sh",
    "-s",
  ];
  const { spec } = plan;
  const port = String(spec.caPort);
  const environment = {
    ...spec.environment,
    PATH: [NODE_FOLDER, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(":"),
    HOME: "/tmp",
    FC_INSTANCE_ID: spec.instanceId,
    FC_SERVER_PORT: port,
    FC_CUSTOM_LISTEN_PORT: port,
    PORT: port,
  };
  const filter = `${SECCOMP_DESCRIPTOR}<${quote(plan.seccompFile)}`;
  return inputs(`exec ${commandLine(command)} ${filter}`, [
    { descriptor: 0, text: programScript(environment, spec.command) },
    ...files.map(({ descriptor, content }) => ({ descriptor, text: content })),
  ]);
}

function isolationArguments({ spec, tmpFolder }: SandboxPlan): string[] {
  // Half of the memory at most: what a program writes there counts as its memory.
  const tmpBytes = String(Math.floor(Math.min(spec.diskMb, spec.memoryMb / 2) * BYTES_PER_MB));
  const tmpInMemory = ["--perms", "1777", "--size", tmpBytes, "--tmpfs"];
  // Parents that bubblewrap makes on the way to a file are closed to others.
  const openFolders = ["/etc", "/etc/ssl", "/opt", "/opt/node", NODE_FOLDER];
  return [
    ...["--die-with-parent", "--new-session", "--clearenv"],
    ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", spec.instanceId],
    ...["--proc", "/proc", "--dev", "/dev", ...tmpInMemory, "/dev/shm"],
    ...(tmpFolder === undefined ? [...tmpInMemory, "/tmp"] : ["--bind", tmpFolder, "/tmp"]),
    ...["--ro-bind", spec.codeDir, "/code", "--chdir", "/code"],
    ...openFolders.flatMap((folder) => ["--perms", "0755", "--dir", folder]),
  ];
}

/** The files of /etc that differ from the host's: no user and no host name of it is shown. */
function etcFiles({ spec, uid, addresses, resolvConf }: SandboxPlan): Readonly<Record<string, string>> {
  const nobody = 65_534;
  return {
    "/etc/passwd": [
      "root:x:0:0:root:/:/usr/sbin/nologin",
      `function:x:${uid}:${uid}:function:/tmp:/bin/sh`,
      `nobody:x:${nobody}:${nobody}:nobody:/:/usr/sbin/nologin`,
      "",
    ].join("\n"),
    "/etc/group": `root:x:0:\nfunction:x:${uid}:\nnogroup:x:${nobody}:\n`,
    "/etc/hosts": `127.0.0.1 localhost\n::1 localhost\n${addresses.instanceAddress} ${spec.instanceId}\n`,
    "/etc/resolv.conf": resolvConf,
    "/etc/nsswitch.conf":
      "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nservices: files\nprotocols: files\n",
  };
}
