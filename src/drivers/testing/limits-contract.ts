/** What one instance may use, tried by a program inside of it. That of memory is in `endContract`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { DriverInstance } from "../driver.ts";
import { OPEN_FILES_MAX } from "../local/limits.ts";
import type { ContractContext } from "./driver-contract.ts";
import { configuration } from "./subjects.ts";
import { Dialogue } from "./test-function.ts";

/** A runtime has some files open before it opens its first. */
const OWN_FILES_MAX = 100;
/** A runtime has some threads. */
const OWN_THREADS_MAX = 40;
const CPU_CAP = 0.1;
/** Long beside a slice, so that one more or less of these hardly counts. */
const SPIN_MS = 2_000;
/** Of one that is not capped yet, and has far more in any case. */
const UNCAPPED_SPIN_MS = 200;
const BUSY_TRIES_MAX = 100;
/** The kernel gives CPU in slices: what is capped may have had one or two more. */
const SLICES_RATIO = 0.03;

/** Prints how many processes it could make; all of them stay. */
const FORK_UNTIL_REFUSED = 'i=0; while sleep 1000 >/dev/null 2>&1 </dev/null & do i=$((i+1)); echo "$i"; done';

export function limitsContract(context: ContractContext): void {
  const startAndOpen = async (
    changes: { memoryMb?: number; cpu?: number } = {},
  ): Promise<[DriverInstance, Dialogue]> => {
    const instance = context.driver.start(context.home.spec(changes));
    await instance.listening;
    return [instance, await Dialogue.open(instance)];
  };
  const end = async (...instances: readonly DriverInstance[]): Promise<void> => {
    for (const instance of instances) instance.destroy();
    await Promise.all(instances.map((instance) => instance.exited));
  };

  describe("limits", () => {
    test("open files: as many as the limit says, soft and hard", async () => {
      const [instance, dialogue] = await startAndOpen();
      const { out } = await dialogue.ask({ do: "run", command: ["sh", "-c", "ulimit -Sn; ulimit -Hn"] });
      const [soft, hard] = String(out).trim().split("\n").map(Number);
      // An engine has a hard limit of its own.
      const most = context.driver.capabilities.images ? OPEN_FILES_MAX : Math.min(OPEN_FILES_MAX, ownHardLimit());
      assert.ok(soft === hard && soft! <= most && soft! > OWN_FILES_MAX, `soft ${soft}, hard ${hard}, at most ${most}`);
      if (!context.driver.capabilities.images) assert.equal(soft, most);
      const { count, code } = await dialogue.ask({ do: "openFiles" });
      assert.equal(code, "EMFILE");
      assert.ok(Number(count) > soft! - OWN_FILES_MAX && Number(count) < soft!, `${count} of ${soft} were opened`);
      await end(instance);
    });

    test("processes: no more than the limit, and both the instance and others go on", async (t) => {
      if (!context.driver.capabilities.processLimit) {
        t.skip("processes are not limited here");
        return;
      }
      const [[instance, dialogue], [other, otherDialogue]] = [await startAndOpen(), await startAndOpen()];
      const { out } = await dialogue.ask({ do: "run", command: ["sh", "-c", FORK_UNTIL_REFUSED] });
      const made = Math.max(...[...String(out).matchAll(/^\d+$/gm)].map(Number));
      assert.match(String(out), /[Cc]annot fork|[Rr]esource temporarily unavailable/);
      const { processesMax } = configuration;
      assert.ok(made < processesMax && made > processesMax - OWN_THREADS_MAX, `${made} of ${processesMax} were made`);
      assert.ok("uid" in (await dialogue.ask({ do: "info" })));
      const { out: said } = await otherDialogue.ask({ do: "run", command: ["sh", "-c", "echo alive"] });
      assert.equal(said, "alive\n");
      await end(instance, other);
    });

    test("cpu: capped once the instance is ready, not while it starts", async (t) => {
      if (!context.driver.capabilities.cpuLimit) {
        t.skip("the CPU is not capped here");
        return;
      }
      const [instance, dialogue] = await startAndOpen({ cpu: CPU_CAP });
      const ratio = async (milliseconds: number): Promise<number> => {
        const startedAt = performance.now();
        const { cpuSeconds } = await dialogue.ask({ do: "spin", milliseconds });
        return (Number(cpuSeconds) * 1_000) / (performance.now() - startedAt);
      };
      // On a busy machine it may get little; what is capped never gets more, however often it tries.
      let before = 0;
      for (let tries = 0; tries < BUSY_TRIES_MAX && before <= CPU_CAP + SLICES_RATIO; tries++) {
        before = await ratio(UNCAPPED_SPIN_MS);
      }
      instance.ready();
      instance.ready();
      // The spawner has the order before it has the next one: what it answers to comes after.
      await dialogue.ask({ do: "spin", milliseconds: SPIN_MS / 4 });
      const after = await ratio(SPIN_MS);
      assert.ok(after < CPU_CAP + SLICES_RATIO, `it had ${after} of a CPU`);
      assert.ok(before > CPU_CAP + SLICES_RATIO, `it had ${before} of a CPU before it was ready`);
      await end(instance);
    });

    test("memory: no swap in its place", async (t) => {
      const swapKb = Number(/^SwapTotal:\s+(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))![1]);
      if (!context.driver.capabilities.memoryLimit || swapKb === 0) {
        t.skip(swapKb === 0 ? "this machine has no swap" : "memory is not limited here");
        return;
      }
      const [instance, dialogue] = await startAndOpen({ memoryMb: 128 });
      dialogue.tell({ do: "hoard", megabytes: Math.floor(swapKb / 1024 / 2) + 128 });
      const report = await instance.exited;
      assert.equal(report.outOfMemory, true, "what does not fit in memory went to the swap");
    });
  });
}

/** Of this process (proc(5)). */
function ownHardLimit(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))![1]);
}
