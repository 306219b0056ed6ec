import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { systemClock } from "../../base/base.ts";
import type { DriverInstance, OutputLine } from "../driver.ts";
import { signal } from "../host/process-tree.ts";
import { readOrEmpty } from "../host/read-or-none.ts";
import type { ContractContext } from "./driver-contract.ts";
import { eventually, processesNaming } from "./host-inventory.ts";
import { Dialogue, uniqueSeconds } from "./test-function.ts";

/** Output that was written before a freeze has arrived after this time. */
const OUTPUT_MS = 250;
/** Long beside the time between two lines of the test function's counters. */
const STILL_MS = 200;

export function freezeContract(context: ContractContext): void {
  const startAndOpen = async (): Promise<[DriverInstance, Dialogue]> => {
    const instance = context.driver.start(context.home.spec());
    await instance.listening;
    return [instance, await Dialogue.open(instance)];
  };
  const pass = async (durationMs: number): Promise<void> => {
    const until = systemClock.nowMs() + durationMs;
    await eventually("the time has passed", () => systemClock.nowMs() >= until, durationMs + 2_000);
  };
  const end = async (instance: DriverInstance): Promise<void> => {
    instance.destroy();
    await instance.exited;
    assert.deepEqual(processesNaming(instance.id), []);
  };
  const freezeTest = (name: string, run: (t: TestContext) => Promise<void>): void => {
    test(name, async (t) => {
      if (context.driver.capabilities.freeze) await run(t);
      else t.skip("this driver cannot freeze");
    });
  };

  describe("freeze", () => {
    test("freeze: a driver that cannot says so, and the instance goes on", async (t) => {
      if (context.driver.capabilities.freeze) {
        t.skip("this driver can");
        return;
      }
      const [instance, dialogue] = await startAndOpen();
      await assert.rejects(instance.freeze(), /cannot be frozen/);
      await instance.thaw();
      await dialogue.ask({ do: "info" });
      await end(instance);
    });

    freezeTest("freeze: program and child stand still until the thaw, and the connection lasts", async () => {
      const lines: OutputLine[] = [];
      context.setOutput((batch) => lines.push(...batch));
      const count = (text: string) => lines.filter((line) => line.text === text).length;
      const [instance, dialogue] = await startAndOpen();
      await dialogue.ask({ do: "count" });
      for (let round = 0; round < 3; round++) {
        const running = [count("program"), count("child")];
        await eventually("both run", () => count("program") > running[0]! + 3 && count("child") > running[1]! + 3);
        await instance.freeze();
        await pass(OUTPUT_MS);
        const frozen = [count("program"), count("child")];
        await pass(STILL_MS);
        assert.deepEqual([count("program"), count("child")], frozen);
        await instance.thaw();
        await dialogue.ask({ do: "info" });
      }
      await end(instance);
      context.setOutput(() => {});
    });

    freezeTest("freeze: what is sent meanwhile is answered after the thaw; also a new connection", async () => {
      const [instance, dialogue] = await startAndOpen();
      await instance.freeze();
      const answers: unknown[] = [];
      const first = dialogue.ask({ do: "info" }).then((answer) => answers.push(answer));
      const second = (await Dialogue.open(instance)).ask({ do: "info" }).then((answer) => answers.push(answer));
      await pass(STILL_MS);
      assert.equal(answers.length, 0);
      await instance.thaw();
      await Promise.all([first, second]);
      await end(instance);
    });

    freezeTest("freeze: twice is once, and one thaw ends it; a thaw of what is not frozen does nothing", async () => {
      const [instance, dialogue] = await startAndOpen();
      await instance.thaw();
      await dialogue.ask({ do: "info" });
      await Promise.all([instance.freeze(), instance.freeze()]);
      await instance.freeze();
      await instance.thaw();
      await instance.thaw();
      await dialogue.ask({ do: "info" });
      await end(instance);
    });

    freezeTest("freeze: a thaw ends one under way, whatever their order and number", async () => {
      const [instance, dialogue] = await startAndOpen();
      for (let round = 0; round < 50; round++) {
        // Each freeze either was there before the thaw came, or says that it was not.
        const freezes = [instance.freeze(), instance.freeze()];
        await instance.thaw();
        for (const freeze of freezes) {
          await freeze.catch((error: Error) => assert.match(error.message, /thawed meanwhile/));
        }
        await dialogue.ask({ do: "info" });
      }
      const lost = instance.freeze();
      void instance.thaw();
      const kept = instance.freeze();
      await lost.catch((error: Error) => assert.match(error.message, /thawed meanwhile/));
      await kept;
      let answered = false;
      const answer = dialogue.ask({ do: "info" }).then(() => (answered = true));
      await pass(STILL_MS);
      assert.equal(answered, false, "the last wish was to freeze");
      await instance.thaw();
      await answer;
      await end(instance);
    });

    freezeTest("stop: of a frozen one: SIGTERM reaches it, and it can end cleanly", async () => {
      const [instance, dialogue] = await startAndOpen();
      await dialogue.ask({ do: "exitOnTerm", code: 5 });
      await instance.freeze();
      instance.stop(10_000);
      await assert.rejects(instance.freeze(), /is being ended|is gone/);
      assert.equal((await instance.exited).code, 5);
      assert.deepEqual(processesNaming(instance.id), []);
    });

    freezeTest("stop: of a frozen one that ignores SIGTERM: killed after the grace", async () => {
      const [instance, dialogue] = await startAndOpen();
      await dialogue.ask({ do: "ignoreTerm" });
      await instance.freeze();
      const startedAt = systemClock.nowMs();
      instance.stop(200);
      assert.equal((await instance.exited).signal, "SIGKILL");
      const tookMs = systemClock.nowMs() - startedAt;
      assert.ok(tookMs >= 190 && tookMs < 5_000, `took ${tookMs} ms`);
    });

    freezeTest(
      "destroy: of a frozen one, with what has made a session of its own; while it freezes; twice",
      async () => {
        for (const awaits of [true, false]) {
          const [instance, dialogue] = await startAndOpen();
          const seconds = uniqueSeconds();
          await dialogue.ask({ do: "sleeper", seconds });
          await eventually("the grandchild runs", () => processesNaming(seconds).length > 0);
          const freeze = instance.freeze();
          if (awaits) await freeze;
          instance.destroy();
          instance.destroy();
          assert.equal((await instance.exited).signal, "SIGKILL");
          await freeze.catch(() => {});
          assert.deepEqual([...processesNaming(seconds), ...processesNaming(instance.id)], []);
        }
      },
    );

    freezeTest("exited: a frozen program that somebody kills", async () => {
      const [instance, dialogue] = await startAndOpen();
      const seconds = uniqueSeconds();
      await dialogue.ask({ do: "sleeper", seconds });
      await eventually("the grandchild runs", () => processesNaming(seconds).length > 0);
      await instance.freeze();
      for (const pid of programPids(instance)) signal(pid, "SIGKILL");
      assert.equal((await instance.exited).signal, "SIGKILL");
      assert.deepEqual([...processesNaming(seconds), ...processesNaming(instance.id)], []);
    });

    freezeTest("freeze: refused while it starts, and of one that is gone; a thaw then too", async () => {
      const instance = context.driver.start(context.home.spec());
      await assert.rejects(instance.freeze(), /does not listen yet/);
      await instance.thaw();
      await instance.listening;
      await instance.freeze();
      instance.destroy();
      await instance.exited;
      await assert.rejects(instance.freeze(), /is gone/);
      await assert.rejects(instance.thaw(), /is gone/);
    });
  });
}

/** Pids of the test function itself. */
function programPids(instance: DriverInstance): number[] {
  return processesNaming(instance.id).filter((pid) => readOrEmpty(`/proc/${pid}/cmdline`).includes("bootstrap"));
}
