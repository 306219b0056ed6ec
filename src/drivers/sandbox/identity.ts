/** What a sandbox is made with, where root and an ordinary user differ; all else is the same for both. */
import { dropTo } from "../local/namespaced-shell.ts";

export interface SandboxIdentity {
  /** Options of unshare(1) for a user namespace of each instance. */
  readonly shellNamespaces: readonly string[];
  /** What a parked shell does first, in shell lines. */
  readonly shellLines: readonly string[];
  /** The spawner alone reaches instances: it is in a network of its own. */
  readonly isSpawnerApart: boolean;
  /** Why /tmp cannot be on disk; undefined where it may be. */
  readonly disksObstacle: string | undefined;
  /** The shell bounds the processes of its instance. */
  readonly boundsProcesses: boolean;
  /** Options of bubblewrap for the function's user id and what it needs to get there. */
  bubblewrapArguments(uid: number): readonly string[];
  /** The command, inside, that becomes the function's user and runs what follows. */
  becomeUser(uid: number): readonly string[];
}

/** The capabilities with which setpriv(1) gives up all others and becomes the function's user. */
const NEEDED_CAPABILITIES = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];

/** No user namespace: in one of those bubblewrap could not become another user of this host. */
export const rootIdentity: SandboxIdentity = {
  shellNamespaces: [],
  shellLines: [],
  disksObstacle: undefined,
  boundsProcesses: false,
  isSpawnerApart: false,
  bubblewrapArguments: () => [
    ...["--cap-drop", "ALL"],
    ...NEEDED_CAPABILITIES.flatMap((capability) => ["--cap-add", capability]),
  ],
  becomeUser: dropTo,
};

/** bubblewrap makes one to mount /dev/pts, and one more in which the user id is the function's. */
const USER_NAMESPACES = 2;

/**
 * In the spawner's user namespace. Each instance has one more, between the spawner's and bubblewrap's, that bounds
 * what is made inside: no further user namespace, and no more processes than `processesMax`, which Linux counts for each
 * user namespace and user id (5.14 and later; before, for the user's processes together, so there it is not set).
 */
export function userIdentity(processesMax: number, kernelRelease: string): SandboxIdentity {
  const [major = 0, minor = 0] = kernelRelease.split(".").map(Number);
  const countsApart = major > 5 || (major === 5 && minor >= 14);
  return {
    shellNamespaces: ["--user", "--map-root-user"],
    boundsProcesses: countsApart,
    disksObstacle: "only root mounts file systems from files",
    shellLines: [
      `echo ${USER_NAMESPACES} >/proc/sys/user/max_user_namespaces`,
      // dash and busybox have -p for it, bash has -u. Both fail where the user is held to fewer, which then holds here too.
      ...(countsApart ? [`ulimit -p ${processesMax} 2>/dev/null || ulimit -u ${processesMax} 2>/dev/null || :`] : []),
    ],
    isSpawnerApart: true,
    bubblewrapArguments: (uid) => [
      ...["--unshare-user", "--uid", String(uid), "--gid", String(uid)],
      ...["--cap-drop", "ALL"],
    ],
    becomeUser: () => [],
  };
}
