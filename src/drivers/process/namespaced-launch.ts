/**
 * A program in mount and pid namespaces of its own. As root it also gets the function's uid and control groups. Packages
 * often lie below a home that only its owner may enter, where another uid cannot reach them by any path. So inside the
 * mount namespace the closed folder is covered by an empty one, open to all, in which the package stands again under
 * the very same path: programs that resolve their own path (Node.js), put it into messages, or get it as an argument
 * see no difference, and nothing else of the home is there.
 */
import { dirname } from "node:path";
import { removeCgroup } from "../cgroup/cgroup.ts";
import { closedFolder } from "../host/closed-folder.ts";
import { treeOf } from "../host/process-tree.ts";
import type { Launched, LaunchPlan } from "../local/launcher.ts";
import { limitsOf } from "../local/limits.ts";
import {
  descendant,
  dropTo,
  killInside,
  namespacedFootprint,
  spawnNamespacedShell,
} from "../local/namespaced-shell.ts";
import { inputs } from "../local/program-script.ts";
import { commandLine, quote } from "../local/shell-words.ts";
import { launchedProcess, processScript } from "./launched-process.ts";
import type { ProcessSurroundings } from "./process-launcher.ts";

const NAMESPACES: readonly string[] = ["--mount", "--mount-proc"];

/** Options of unshare(1): without root they need a user namespace around them, in which nobody changes identity. */
export function processNamespaces(isRoot: boolean): readonly string[] {
  return isRoot ? NAMESPACES : ["--user", "--map-current-user", ...NAMESPACES];
}

/** unshare ── sh ── program */
const PROGRAM_GENERATION = 2;

export function launchNamespaced(plan: LaunchPlan, around: ProcessSurroundings): Launched {
  const { spec, uid } = plan;
  const cgroup = around.cgroups.create(spec.instanceId);
  try {
    cgroup.limit(limitsOf(spec, around.configuration));
  } catch (error) {
    cgroup.folders.forEach(removeCgroup);
    throw error;
  }
  const child = spawnNamespacedShell(processNamespaces(uid !== undefined));
  const program = [...(uid === undefined ? [] : dropTo(uid)), "/bin/sh", "-s"];
  child.stdin!.end(
    [
      "set -e",
      "umask 022",
      ...(uid === undefined ? [] : openFolders([spec.codeDir, dirname(around.nodePath)])),
      `cd ${quote(spec.codeDir)}`,
      ...cgroup.joinFiles.map((file) => `echo 0 >${quote(file)}`),
      // The shell must not print "Terminated" among the function's output: only the program gets the real stderr.
      "exec 9>&2 2>/dev/null",
      `(${inputs(`exec ${commandLine(program)} 2>&9 9>&-`, [{ descriptor: 0, text: processScript(plan, around) }])})`,
      "",
    ].join("\n"),
  );
  return launchedProcess(plan, around, {
    child,
    cgroup,
    pids: () => (child.pid === undefined ? [] : treeOf(child.pid)),
    footprint: () => namespacedFootprint(child, cgroup),
    programPid: () => descendant(child, PROGRAM_GENERATION),
    kill: () => killInside(child),
  });
}

/**
 * Shell lines that make folders reachable for every user. Each is held open by a descriptor while the closed folder
 * above it is covered; /proc/self/fd then names it although no path leads there any more.
 */
function openFolders(folders: readonly string[]): string[] {
  const closed = folders
    .map((folder) => ({ folder, cover: closedFolder(folder) }))
    .filter((entry) => entry.cover !== undefined && entry.cover !== entry.folder)
    .map((entry, index) => ({ ...entry, cover: entry.cover!, descriptor: 3 + index }));
  const covers = [...new Set(closed.map(({ cover }) => cover))];
  return [
    ...closed.map(({ folder, descriptor }) => `exec ${descriptor}<${quote(folder)}`),
    ...covers.map((cover) => `mount -t tmpfs -o mode=0755,size=1m sluice ${quote(cover)}`),
    ...closed.flatMap(({ folder, descriptor }) => [
      `mkdir -p ${quote(folder)}`,
      `mount --no-canonicalize --bind /proc/self/fd/${descriptor} ${quote(folder)}`,
      `exec ${descriptor}<&-`,
    ]),
  ];
}
