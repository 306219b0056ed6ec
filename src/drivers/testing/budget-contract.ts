/** What all instances together may use: with a driver of its own, whose budget is small. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type CgroupBudget, type CgroupTree, CPU_SHARES, CPU_WEIGHT } from "../cgroup/cgroup.ts";
import { readMounts } from "../cgroup/mounts.ts";
import type { Driver, ExitReport } from "../driver.ts";
import { Dialogue, TestHome } from "./test-function.ts";

/** Room for one instance that uses what it may, not for two. */
const BUDGET_MB = 400;
const INSTANCE_MB = 512;
const HOARD_MB = 230;

export interface BudgetSubject {
  readonly title: string;
  /** Why it cannot run here, or false. */
  readonly skip: string | false;
  openCgroups(budget: CgroupBudget): CgroupTree;
  /** The driver; it closes the tree. */
  open(cgroups: CgroupTree): Promise<Driver>;
}

export function budgetContract({ title, skip, ...subject }: BudgetSubject): void {
  describe(`${title}: budget of all instances`, { skip }, () => {
    test("budget: the kernel has it, and ends instances that exceed it together, as out of memory, until there is room", async () => {
      const cgroups = subject.openCgroups({ memoryMb: BUDGET_MB });
      const driver = await subject.open(cgroups);
      const home = await TestHome.create();
      try {
        assertSet(cgroups);
        const instances = [1, 2].map(() => driver.start(home.spec({ memoryMb: INSTANCE_MB })));
        const dialogues = [];
        for (const instance of instances) {
          await instance.listening;
          dialogues.push(await Dialogue.open(instance));
        }
        // Each alone is within its own limit.
        await dialogues[0]!.ask({ do: "hoard", megabytes: HOARD_MB });
        dialogues[1]!.tell({ do: "hoard", megabytes: HOARD_MB });
        // Version 1 may kill the second one too, before the memory of the first has come back.
        const reports: ExitReport[] = [];
        for (const { exited } of instances) void exited.then((report) => reports.push(report));
        await Promise.race(instances.map(({ exited }) => exited));
        const next = driver.start(home.spec({ memoryMb: INSTANCE_MB }));
        await next.listening;
        assert.ok(await (await Dialogue.open(next)).ask({ do: "info" }), "there is room again");
        assert.ok(reports.length > 0);
        for (const report of reports) {
          assert.equal(report.outOfMemory, true);
          assert.equal(report.signal, "SIGKILL");
        }
      } finally {
        await driver.close();
        await home.remove();
      }
    });
  });
}

/** The limits of the tree, as the kernel shows them. */
function assertSet({ version, path }: CgroupTree): void {
  const { version1, version2 } = readMounts();
  const read = (root: string | undefined, file: string) => readFileSync(join(root!, path, file), "utf8").trim();
  const bytes = String(BUDGET_MB * 1024 * 1024);
  if (version === 2) {
    assert.equal(read(version2, "memory.max"), bytes);
    assert.equal(read(version2, "cpu.weight"), String(CPU_WEIGHT));
    assert.equal(read(version2, "memory.oom.group"), "0", "not all instances end with one");
  } else {
    assert.equal(read(version1.get("memory"), "memory.limit_in_bytes"), bytes);
    assert.equal(read(version1.get("memory"), "memory.use_hierarchy"), "1");
    if (version1.has("cpu")) assert.equal(read(version1.get("cpu"), "cpu.shares"), String(CPU_SHARES));
  }
}
