/** What of this host a sandbox sees: /usr, a little of /etc, and the Node.js that runs Sluice. */
import { lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { ProgramView } from "../local/start-check.ts";

/** Where the sandbox has the Node.js that runs Sluice. */
export const NODE_FOLDER = "/opt/node/bin";
const PATH = [NODE_FOLDER, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Names beside /usr that are links into it on most systems, folders of their own on some (Alpine). */
const SYSTEM_FOLDERS = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/**
 * What programs under /usr want of /etc: the loader's cache, certificates, time zone, name servers, and the settings of
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
  /^resolv\.conf$/,
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

/** Looks at the host once; what it has is not expected to change while Sluice runs. */
export function lookAtHost(nodePath: string): HostView {
  const entries = [
    ...readdirSync("/etc").filter((entry) => ETC_ENTRIES.some((pattern) => pattern.test(entry))),
    ...SSL_ENTRIES.map((entry) => `ssl/${entry}`),
  ];
  const etcFiles = entries.map((entry) => join("/etc", entry)).filter((file) => realPath(file) !== undefined);
  const seen = ["/usr", ...SYSTEM_FOLDERS.map((folder) => `/${folder}`), ...etcFiles];
  return {
    arguments: [
      ...["--ro-bind", "/usr", "/usr"],
      ...SYSTEM_FOLDERS.flatMap(systemFolder),
      ...etcFiles.flatMap((file) => ["--ro-bind", realPath(file)!, file]),
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
        return seen.some((folder) => path === folder || path.startsWith(`${folder}/`)) ? path : undefined;
      },
    }),
  };
}

function systemFolder(name: string): string[] {
  const status = lstatSync(`/${name}`, { throwIfNoEntry: false });
  if (status === undefined) return [];
  return status.isSymbolicLink()
    ? ["--symlink", readlinkSync(`/${name}`), `/${name}`]
    : ["--ro-bind", `/${name}`, `/${name}`];
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
