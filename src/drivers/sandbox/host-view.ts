/** What a sandbox sees of this host, or of a root file system on it: /usr, a little of /etc; and Sluice's Node.js. */
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { listOrNone } from "../host/read-or-none.ts";
import { resolveInside } from "../host/resolve-inside.ts";
import type { ProgramView } from "../local/start-check.ts";

/** Where the sandbox has the Node.js that runs Sluice. */
export const NODE_FOLDER = "/opt/node/bin";
const PATH = [NODE_FOLDER, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** What brings a program to life inside. */
const NEEDED_PROGRAMS = ["/bin/sh", "/usr/bin/setpriv"];

/** Names beside /usr that are links into it on most systems, folders of their own on some (Alpine). */
const SYSTEM_FOLDERS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/**
 * What programs under /usr want of /etc: the loader's cache, certificates, time zone, and the settings of
 * the runtimes that Debian keeps there (its Java does not start without). Nothing in it is secret or about people.
 */
const ETC_ENTRIES = [
  /^alternatives$/,
  /^ca-certificates$/,
  /^java(-.+)?$/,
  /^ld\.so\..+$/,
  /^ld-musl-.+\.path$/,
  /^localtime$/,
  /^mime\.types$/,
  /^os-release$/,
  /^pki$/,
  /^protocols$/,
  /^python3(\..+)?$/,
  /^services$/,
  /^timezone$/,
];
/** Of /etc/ssl only what is public: beside it stand private keys. */
const SSL_ENTRIES = ["certs", "cert.pem", "openssl.cnf"];

export interface HostView {
  /** Options of bubblewrap that bring it about. */
  readonly arguments: readonly string[];
  programView(codeDir: string): ProgramView;
}

/** Why sandboxes cannot see the root file system in this folder; undefined when they can. */
export function rootObstacle(root: string): string | undefined {
  const missing = ["/usr", ...NEEDED_PROGRAMS].find((path) => resolveInside(root, path) === undefined);
  if (missing === undefined) return undefined;
  return `sandboxRoot ${root} has no ${missing}: name the folder of a Linux system with a shell and util-linux`;
}

/**
 * Looks at it once; what it has is not expected to change while Sluice runs. `root` is the folder of the root file system
 * that sandboxes see, `/` for this host's own; one without an obstacle.
 */
export function lookAtHost(nodePath: string, root: string): HostView {
  const inRoot = (path: string) => resolveInside(root, path);
  const entries = [
    ...listOrNone(join(root, "etc")).filter((entry) => ETC_ENTRIES.some((pattern) => pattern.test(entry))),
    ...SSL_ENTRIES.map((entry) => `ssl/${entry}`),
  ];
  const etcFiles = entries.map((entry) => join("/etc", entry)).filter((file) => inRoot(file) !== undefined);
  const seen = ["/usr", ...SYSTEM_FOLDERS.map((folder) => `/${folder}`), ...etcFiles];
  return {
    arguments: [
      ...["--ro-bind", inRoot("/usr")!, "/usr"],
      ...SYSTEM_FOLDERS.flatMap((folder) => systemFolder(root, folder)),
      ...etcFiles.flatMap((file) => ["--ro-bind", inRoot(file)!, file]),
      ...["--ro-bind", nodePath, join(NODE_FOLDER, "node")],
    ],
    programView: (codeDir) => ({
      path: PATH,
      isWhole: true,
      system: "linux",
      toHost(path) {
        if (path === "/code") return codeDir;
        if (path.startsWith("/code/")) return join(codeDir, path.slice("/code/".length));
        if (path === join(NODE_FOLDER, "node")) return nodePath;
        return seen.some((folder) => path === folder || path.startsWith(`${folder}/`)) ? inRoot(path) : undefined;
      },
    }),
  };
}

function systemFolder(root: string, name: string): string[] {
  const folder = join(root, name);
  const status = lstatSync(folder, { throwIfNoEntry: false });
  if (status === undefined) return [];
  return status.isSymbolicLink() ? ["--symlink", readlinkSync(folder), `/${name}`] : ["--ro-bind", folder, `/${name}`];
}
