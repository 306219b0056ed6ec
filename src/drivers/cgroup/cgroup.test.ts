import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseMounts } from "./mounts.ts";
import { sweepTrees, treeName } from "./tree-name.ts";
import { openVersion1 } from "./version-1.ts";
import { openVersion2 } from "./version-2.ts";

const budget = { memoryMb: 1024 };

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-cgroup-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("parseMounts: the unified hierarchy, and each controller of version 1", () => {
  const mounts = parseMounts(
    [
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
      "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0",
      "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0",
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0",
      "",
    ].join("\n"),
  );
  assert.equal(mounts.version2, "/sys/fs/cgroup/unified");
  assert.equal(mounts.version1.get("memory"), "/sys/fs/cgroup/memory");
  assert.equal(mounts.version1.get("cpu"), "/sys/fs/cgroup/cpu,cpuacct");
});

test("version 2: hands the controllers down and writes the limits; a kill is read from memory.events", async (t) => {
  const root = await temporaryFolder(t);
  await writeFile(join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
  const { tree } = openVersion2({ version2: root, version1: new Map() }, "sluice-1-0a0b0c0d", budget);
  const read = (file: string) => readFile(join(root, "sluice-1-0a0b0c0d", file), "utf8");
  assert.equal(await readFile(join(root, "cgroup.subtree_control"), "utf8"), "+memory +pids +cpu");
  assert.equal(await read("cgroup.subtree_control"), "+memory +pids +cpu");
  const group = tree.create("one");
  await writeFile(join(group.folders[0]!, "memory.swap.max"), "max");
  assert.equal(await read("memory.max"), "1073741824");
  assert.equal(await read("cpu.weight"), "50");
  group.limit({ memoryMb: 128, processesMax: 50 });
  assert.equal((await readdir(group.folders[0]!)).includes("cpu.max"), false, "a start is not capped");
  group.capCpu(0.5);
  assert.equal(await read("one/memory.max"), "134217728");
  assert.equal(await read("one/memory.swap.max"), "0");
  assert.equal(await read("one/memory.oom.group"), "1");
  assert.equal(await read("one/pids.max"), "50");
  assert.equal(await read("one/cpu.max"), "50000 100000");
  await writeFile(join(group.folders[0]!, "memory.events"), "low 0\noom 1\noom_kill 2\noom_group_kill 1\n");
  assert.equal(group.outOfMemoryKills(), 2);
  const write = (file: string, text: string) => writeFile(join(group.folders[0]!, file), text);
  await write("memory.current", "9000000\n");
  await write("memory.stat", "anon 5000000\ninactive_file 3000000\nactive_file 1000000\n");
  await write("cpu.stat", "usage_usec 1500000\nuser_usec 1000000\n");
  const first = group.usage(undefined);
  assert.deepEqual(first, { memoryBytes: 6_000_000, memoryPeakBytes: 9_000_000, cpuSeconds: 1.5 });
  await write("memory.current", "4000000\n");
  assert.equal(group.usage(first), first, "no CPU was used");
  await write("cpu.stat", "usage_usec 2500000\n");
  await write("memory.peak", "10000000\n");
  assert.deepEqual(group.usage(first), { memoryBytes: 1_000_000, memoryPeakBytes: 10_000_000, cpuSeconds: 2.5 });
});

test("version 2: without the memory controller it is not used, and nothing is written", async (t) => {
  const root = await temporaryFolder(t);
  await writeFile(join(root, "cgroup.controllers"), "hugetlb\n");
  assert.throws(
    () => openVersion2({ version2: root, version1: new Map() }, "sluice-1-0a0b0c0d", budget),
    /no memory controller/,
  );
  assert.deepEqual(await readdir(root), ["cgroup.controllers"]);
});

test("version 1: one group in each hierarchy, swap only where it is counted, CPU only where it is capped", async (t) => {
  const root = await temporaryFolder(t);
  const version1 = new Map(["memory", "pids", "cpu"].map((name) => [name, join(root, name)]));
  for (const folder of version1.values()) await mkdir(folder);
  const { tree } = openVersion1({ version2: undefined, version1 }, "sluice-1-0a0b0c0d", budget);
  const group = tree.create("one");
  assert.equal(group.folders.length, 3);
  group.limit({ memoryMb: 1, processesMax: 50 });
  const [memory, pids, cpu] = group.folders;
  assert.deepEqual(await readdir(memory!), ["memory.limit_in_bytes"]);
  assert.equal(await readFile(join(memory!, "memory.limit_in_bytes"), "utf8"), "1048576");
  assert.equal(await readFile(join(pids!, "pids.max"), "utf8"), "50");
  assert.deepEqual(await readdir(cpu!), []);
  group.capCpu(0.5);
  assert.equal(await readFile(join(cpu!, "cpu.cfs_quota_us"), "utf8"), "50000");
  assert.equal(await readFile(join(cpu!, "cpu.cfs_period_us"), "utf8"), "100000");
  const readParent = (folder: string, file: string) => readFile(join(folder, "..", file), "utf8");
  assert.equal(await readParent(memory!, "memory.limit_in_bytes"), "1073741824");
  assert.equal(await readParent(cpu!, "cpu.shares"), "512");
  await writeFile(join(memory!, "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  assert.equal(group.outOfMemoryKills(), 3);
  assert.equal(tree.canFreeze, false);
  assert.equal(tree.canMeasure, false);
  assert.equal(group.usage(undefined), undefined);
});

test("version 1: frozen by version 2 where it is mounted beside, which tells the CPU time; else by freezer", async (t) => {
  const root = await temporaryFolder(t);
  const version1 = new Map(["memory", "freezer", "cpuacct"].map((name) => [name, join(root, name)]));
  const version2 = join(root, "unified");
  for (const folder of [...version1.values(), version2]) await mkdir(folder);
  const fill = async (memoryFolder: string) => {
    await writeFile(join(memoryFolder, "memory.usage_in_bytes"), "9000000\n");
    await writeFile(join(memoryFolder, "memory.max_usage_in_bytes"), "9500000\n");
    await writeFile(join(memoryFolder, "memory.stat"), "inactive_file 1\ntotal_inactive_file 3000000\n");
  };
  const mixed = openVersion1({ version1, version2 }, "sluice-1-0a0b0c0d", budget).tree.create("one");
  assert.deepEqual(mixed.freezer, { version: 2, folder: join(version2, "sluice-1-0a0b0c0d", "one") });
  await fill(mixed.folders[0]!);
  await writeFile(join(mixed.freezer.folder, "cpu.stat"), "usage_usec 250000\n");
  const expected = { memoryBytes: 6_000_000, memoryPeakBytes: 9_500_000, cpuSeconds: 0.25 };
  assert.deepEqual(mixed.usage(undefined), expected);

  const alone = openVersion1({ version1, version2: undefined }, "sluice-1-0a0b0c0e", budget).tree.create("one");
  assert.deepEqual(alone.freezer, { version: 1, folder: join(root, "freezer", "sluice-1-0a0b0c0e", "one") });
  await fill(alone.folders[0]!);
  await writeFile(join(root, "cpuacct", "sluice-1-0a0b0c0e", "one", "cpuacct.usage"), "250000000\n");
  assert.deepEqual(alone.usage(undefined), expected);
});

test("sweepTrees: thaws and removes empty trees of Sluices that are gone, and no other", async (t) => {
  const root = await temporaryFolder(t);
  const gone = "sluice-2147483647-0a0b0c0d";
  await mkdir(join(root, "sluice-2147483647-0a0b0c0e", "two"), { recursive: true });
  const frozen = join(root, "sluice-2147483647-0a0b0c0e", "two", "freezer.state");
  await writeFile(frozen, "FROZEN");
  for (const name of [`${gone}/one`, treeName(process.pid), "sluice-x", "user.slice"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  sweepTrees([root]);
  assert.equal(await readFile(frozen, "utf8"), "THAWED");
  await rm(frozen);
  sweepTrees([root]);
  const left = await readdir(root);
  assert.equal(left.length, 3);
  assert.ok(!left.includes(gone));
});
