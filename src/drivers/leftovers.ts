/** What Sluices that were killed have left on this host. A start removes it as well; `sluice doctor` shows it. */
import { readMounts } from "./cgroup/mounts.ts";
import { deadTrees, removeTree } from "./cgroup/tree-name.ts";
import { openEngine } from "./container/engine.ts";
import { leftContainers, removeContainer } from "./container/owner.ts";
import { deadNatTables, removeNatTable } from "./network/nat-table.ts";

export interface Leftover {
  /** What it is and where, for people. */
  readonly what: string;
  /** Rejects with the reason where it cannot be removed. */
  remove(): Promise<void>;
}

/** Looks for it; changes nothing. */
export async function findLeftovers(): Promise<Leftover[]> {
  return [...(await leftOverContainers()), ...(await leftOverNatTables()), ...leftOverTrees()];
}

function leftOverTrees(): Leftover[] {
  if (process.platform !== "linux") return [];
  const { version1, version2 } = readMounts();
  const roots = [...new Set([...version1.values(), ...(version2 === undefined ? [] : [version2])])];
  return deadTrees(roots).map((tree) => ({
    what: `control groups ${tree}`,
    async remove() {
      removeTree(tree);
    },
  }));
}

/** None where they are not to be seen: without root. */
async function leftOverNatTables(): Promise<Leftover[]> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return [];
  const tables = await deadNatTables().catch(() => []);
  return tables.map((table) => ({ what: `nftables table ${table.name}`, remove: () => removeNatTable(table) }));
}

/** None where no engine answers: then they are not to be seen. */
async function leftOverContainers(): Promise<Leftover[]> {
  try {
    const engine = await openEngine();
    const left = await leftContainers(engine);
    return left.map((container) => ({
      what: `container ${container.id.slice(0, 12)} of ${container.function}`,
      remove: () => removeContainer(engine.docker, container.id),
    }));
  } catch {
    return [];
  }
}
