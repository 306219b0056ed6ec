/** Whoever is killed: within two seconds no process of a function runs, and no link, mount or control group stays. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { childrenOf, isRunning, treeOf } from "../host/process-tree.ts";
import { readOrEmpty } from "../host/read-or-none.ts";
import { namespacedShell } from "../local/namespaced-shell.ts";
import { processNamespaces } from "../process/namespaced-launch.ts";
import { descendants, eventually, links, linksOf, processesNaming, remains } from "../testing/host-inventory.ts";
import type { MainReport } from "../testing/main-program.ts";
import { isRoot, sandboxSkip, spawnerDriver } from "../testing/subjects.ts";
import { Dialogue, TestHome, uniqueSeconds } from "../testing/test-function.ts";

const LIMIT_MS = 2_000;
const notLinux = process.platform === "linux" ? false : "it looks for what stays in /proc";
const subjects = [
  { name: "process", skip: notLinux },
  { name: "sandbox", skip: notLinux || sandboxSkip() },
] as const;

for (const { name, skip } of subjects) {
  describe(`deaths around the ${name} driver`, { skip }, () => {
    let home: TestHome | undefined;
    before(async () => {
      home = await TestHome.create();
    });
    after(() => home?.remove());

    const startMain = async (): Promise<{ main: ChildProcess; report: MainReport }> => {
      const program = fileURLToPath(new URL("../testing/main-program.ts", import.meta.url));
      const args = [program, name, home!.path, uniqueSeconds(), uniqueSeconds()];
      const main = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const failed = once(main, "exit").then(() => assert.fail("the main process ended before its instances listened"));
      const [line] = await Promise.race([once(main.stdout!, "data"), failed]);
      failed.catch(() => {});
      return { main, report: JSON.parse(String(line)) as MainReport };
    };
    const assertNothingRuns = async (report: MainReport, pids: readonly number[]): Promise<void> => {
      for (const mark of [...report.sleepers, ...report.instanceIds]) {
        await eventually(
          `nothing of ${mark} runs`,
          () => processesNaming(mark).every((pid) => !isRunning(pid)),
          LIMIT_MS,
        );
      }
      await eventually("no helper runs", () => !pids.some(isRunning), LIMIT_MS);
    };
    /** Links of what runs below a process: an ordinary user's are in a network that is not seen here. */
    const linksBelow = (pid: number): readonly string[] => {
      const mine = linksOf(treeOf(pid));
      if (isRoot && name === "sandbox") assert.ok(mine.length > 0, "it has links");
      return mine;
    };
    const assertNoLinks = (mine: readonly string[]): Promise<void> =>
      eventually("its links are gone", () => !links().some((link) => mine.includes(link)), LIMIT_MS);

    test("SIGKILL of main: the spawner ends everything and itself", async () => {
      const { main, report } = await startMain();
      const below = descendants(main.pid);
      const mine = linksBelow(main.pid!);
      assert.ok(report.sleepers.every((sleeper) => processesNaming(sleeper).length > 0));
      main.kill("SIGKILL");
      await once(main, "exit");
      await assertNothingRuns(report, below);
      await assertNoLinks(mine);
      assert.deepEqual(remains(main.pid!), []);
    });

    test("SIGKILL of main and spawner at once: the kernel ends everything", async (t) => {
      const [program = "", ...rest] = [...namespacedShell(processNamespaces(isRoot)), "-c", ":"];
      if (spawnSync(program, rest).status !== 0) {
        t.skip("no namespaces here: what has made a session of its own stays");
        return;
      }
      const { main, report } = await startMain();
      const below = descendants(main.pid);
      const mine = linksBelow(main.pid!);
      for (const spawner of childrenOf(main.pid!)) process.kill(spawner, "SIGKILL");
      main.kill("SIGKILL");
      await once(main, "exit");
      await assertNothingRuns(report, below);
      await assertNoLinks(mine);
    });

    test("SIGKILL of the spawner: main ends what is left and tells, and the next start works", async (t) => {
      const driver = await spawnerDriver(name, () => {});
      t.after(() => driver.close());
      const spec = home!.spec();
      const instance = driver.start(spec);
      await instance.listening;
      const seconds = uniqueSeconds();
      await (await Dialogue.open(instance)).ask({ do: "sleeper", seconds });
      if (driver.capabilities.freeze) await instance.freeze();
      const mine = linksBelow(driver.spawnerPid!);
      const starting = driver.start(home!.spec());
      process.kill(driver.spawnerPid!, "SIGKILL");
      const exitReport = await instance.exited;
      assert.equal(exitReport.signal, "SIGKILL");
      assert.deepEqual(processesNaming(seconds), []);
      await assert.rejects(starting.listening);
      await starting.exited;
      await assert.rejects(instance.connect(), /gone/);

      const next = driver.start(home!.spec());
      await next.listening;
      await (await Dialogue.open(next)).ask({ do: "info" });
      await driver.close();
      assert.equal((await next.exited).signal, "SIGKILL");
      assert.deepEqual(remains(process.pid), []);
      await assertNoLinks(mine);
    });

    test("SIGKILL of any process around an instance: it ends and tells", async (t) => {
      const driver = await spawnerDriver(name, () => {});
      t.after(() => driver.close());
      const around = async (): Promise<{ chain: number[]; exited: Promise<unknown>; seconds: string }> => {
        const instance = driver.start(home!.spec());
        await instance.listening;
        const seconds = uniqueSeconds();
        await (await Dialogue.open(instance)).ask({ do: "sleeper", seconds });
        const sleeper = processesNaming(seconds)[0]!;
        const root = childrenOf(driver.spawnerPid!).find((pid) => treeOf(pid).includes(sleeper));
        assert.ok(root !== undefined, "the grandchild is below the spawner");
        return { chain: treeOf(root), exited: instance.exited, seconds };
      };
      const length = (await around()).chain.length;
      for (let index = 0; index < length; index++) {
        const { chain, exited, seconds } = await around();
        const victim = chain[index];
        if (victim === undefined || processesNaming(seconds).includes(victim)) continue;
        process.kill(victim, "SIGKILL");
        await exited;
        await eventually(
          `its grandchild is gone after a kill of number ${index}`,
          () => processesNaming(seconds).length === 0,
        );
      }
      await driver.close();
      assert.deepEqual(remains(process.pid), []);
    });
  });
}

describe("the pool of network namespaces", { skip: sandboxSkip() }, () => {
  test("SIGKILL of parked shells and of what makes links: others take their place", async (t) => {
    const home = await TestHome.create();
    t.after(() => home.remove());
    const driver = await spawnerDriver("sandbox", () => {});
    t.after(() => driver.close());
    assert.deepEqual(await driver.probe(), { works: true });
    const programOf = (pid: number) => readOrEmpty(`/proc/${pid}/cmdline`).split("\0")[0];
    const children = () => childrenOf(driver.spawnerPid!);
    const parked = () => children().filter((pid) => programOf(pid) === "unshare");
    await eventually("the pool is full", () => parked().length === 2);
    const killed = children();
    assert.ok(killed.length > 2, "what makes links stays");
    for (const pid of killed) process.kill(pid, "SIGKILL");
    await eventually("others are parked", () => parked().filter((pid) => !killed.includes(pid)).length === 2);
    const instance = driver.start(home.spec());
    await instance.listening;
    await driver.close();
    assert.deepEqual(remains(process.pid), []);
  });
});
