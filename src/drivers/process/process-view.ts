import { dirname, join } from "node:path";
import { closedFolder } from "../host/closed-folder.ts";
import { TOOL_PATH } from "../host/find-tool.ts";
import type { ProgramView } from "../local/start-check.ts";

/** What a program of the process driver sees: this host, and its package also as `/code`. */
export interface ProcessView extends ProgramView {
  /** A word of the start command, with `/code` replaced by the package's real folder. */
  translate(word: string): string;
}

export interface ProcessViewOptions {
  readonly codeDir: string;
  readonly nodePath: string;
  /** Programs run as a uid of their own, which cannot enter every folder of ours. */
  readonly isOtherUser: boolean;
}

export function processView(options: ProcessViewOptions): ProcessView {
  const translate = (word: string): string => {
    if (word === "/code") return options.codeDir;
    return word.startsWith("/code/") ? join(options.codeDir, word.slice("/code/".length)) : word;
  };
  const system = process.platform === "darwin" ? "darwin" : "linux";
  return { translate, toHost: translate, path: pathOf(options), isWhole: true, system };
}

/** The Node.js that runs Sluice first, then what Sluice was started with. */
function pathOf({ nodePath, isOtherUser }: ProcessViewOptions): readonly string[] {
  const given = (process.env["PATH"] ?? "").split(":").filter((folder) => folder.startsWith("/"));
  const folders = [...new Set([...given, ...TOOL_PATH.split(":")])];
  return [dirname(nodePath), ...folders.filter((folder) => !isOtherUser || closedFolder(folder) === undefined)];
}

/** The environment that the driver adds: paths and the port, under every name by which programs look for it. */
export function driverEnvironment(view: ProgramView, port: number): Record<string, string> {
  return {
    PATH: view.path.join(":"),
    HOME: "/tmp",
    FC_SERVER_PORT: String(port),
    FC_CUSTOM_LISTEN_PORT: String(port),
    PORT: String(port),
  };
}
