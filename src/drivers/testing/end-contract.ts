import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../base/base.ts";
import type { DriverInstance } from "../driver.ts";
import type { ContractContext } from "./driver-contract.ts";
import { eventually, processesNaming } from "./host-inventory.ts";
import { Dialogue, uniqueSeconds } from "./test-function.ts";

/** Node.js has a backlog of 511. */
const CONNECTS = 700;

export function endContract(context: ContractContext): void {
  const startAndOpen = async (memoryMb = 512): Promise<[DriverInstance, Dialogue]> => {
    const instance = context.driver.start(context.home.spec({ memoryMb }));
    await instance.listening;
    return [instance, await Dialogue.open(instance)];
  };

  describe("end", () => {
    test("exited: the code that the program ended with", async () => {
      const [instance, dialogue] = await startAndOpen();
      dialogue.tell({ do: "exit", code: 7 });
      const { usage, ...report } = await instance.exited;
      assert.equal(usage !== undefined, context.driver.capabilities.usage);
      assert.deepEqual(report, { code: 7, signal: undefined, outOfMemory: false, stderrTail: "" });
    });

    test("exited: the signal that ended the program", async () => {
      for (const name of ["SIGKILL", "SIGTERM", "SIGABRT"]) {
        const [instance, dialogue] = await startAndOpen();
        dialogue.tell({ do: "signal", name });
        const report = await instance.exited;
        assert.equal(report.signal, name);
        assert.equal(report.code, undefined);
      }
    });

    test("exited: the last lines of standard error, at most 4 KB", async () => {
      const [instance, dialogue] = await startAndOpen();
      const lines = Array.from({ length: 300 }, (_, index) => `line ${index} of the error output`);
      await dialogue.ask({ do: "print", stream: "stderr", text: `${lines.join("\n")}\n` });
      dialogue.tell({ do: "exit", code: 1 });
      const { stderrTail } = await instance.exited;
      assert.ok(Buffer.byteLength(stderrTail) <= 4096);
      assert.ok(stderrTail.endsWith("line 298 of the error output\nline 299 of the error output"));
    });

    test("connect: what is being opened ends with the instance, also where nobody refuses it", async () => {
      const [instance, dialogue] = await startAndOpen();
      dialogue.tell({ do: "burn", milliseconds: 60_000 });
      let settled = 0;
      // More than the program's backlog holds: the kernel answers the others not at all.
      for (let i = 0; i < CONNECTS; i++) {
        const count = () => {
          settled += 1;
        };
        instance.connect().then((stream) => {
          stream.on("error", () => {}).destroy();
          count();
        }, count);
      }
      const until = systemClock.nowMs() + 300;
      await eventually("the backlog is full", () => systemClock.nowMs() >= until);
      assert.ok(settled < CONNECTS, "all were opened");
      instance.destroy();
      await instance.exited;
      await eventually("all have ended", () => settled === CONNECTS, 400);
    });

    test("stop: a program that ends on SIGTERM has the time for it", async () => {
      const [instance, dialogue] = await startAndOpen();
      await dialogue.ask({ do: "exitOnTerm", code: 5 });
      instance.stop(10_000);
      assert.equal((await instance.exited).code, 5);
    });

    test("stop: one that ignores SIGTERM is killed after the grace, and a shorter one wins", async () => {
      const [instance, dialogue] = await startAndOpen();
      await dialogue.ask({ do: "ignoreTerm" });
      const startedAt = systemClock.nowMs();
      instance.stop(60_000);
      instance.stop(200);
      instance.stop(30_000);
      assert.equal((await instance.exited).signal, "SIGKILL");
      const tookMs = systemClock.nowMs() - startedAt;
      assert.ok(tookMs >= 190 && tookMs < 5_000, `took ${tookMs} ms`);
    });

    test("destroy: right after start", async () => {
      const spec = context.home.spec();
      const instance = context.driver.start(spec);
      instance.destroy();
      instance.destroy();
      await assert.rejects(instance.listening, /ended before it listened/);
      assert.equal((await instance.exited).outOfMemory, false);
      assert.deepEqual(processesNaming(spec.instanceId), []);
    });

    test("destroy: at every moment of a start, nothing stays", async () => {
      for (let delayMs = 0; delayMs < 60; delayMs += 6) {
        const spec = context.home.spec();
        const instance = context.driver.start(spec);
        const until = systemClock.nowMs() + delayMs;
        await eventually("the delay", () => systemClock.nowMs() >= until);
        instance.destroy();
        await instance.exited;
        assert.deepEqual(processesNaming(spec.instanceId), [], `after ${delayMs} ms`);
      }
    });

    test("destroy: also what has made a session of its own, before exited resolves", async () => {
      const [instance, dialogue] = await startAndOpen();
      const seconds = uniqueSeconds();
      await dialogue.ask({ do: "sleeper", seconds });
      await eventually("the grandchild runs", () => processesNaming(seconds).length > 0);
      instance.destroy();
      assert.equal((await instance.exited).signal, "SIGKILL");
      assert.deepEqual(processesNaming(seconds), []);
    });

    test("exited: an end of the program ends what it has left behind", async () => {
      const [instance, dialogue] = await startAndOpen();
      const seconds = uniqueSeconds();
      await dialogue.ask({ do: "sleeper", seconds });
      await eventually("the grandchild runs", () => processesNaming(seconds).length > 0);
      dialogue.tell({ do: "exit", code: 0 });
      assert.equal((await instance.exited).code, 0);
      assert.deepEqual(processesNaming(seconds), []);
    });

    test("start: limits that the kernel refuses are a start fault, and nothing stays", async (t) => {
      if (!context.driver.capabilities.memoryLimit) {
        t.skip("memory is not limited here");
        return;
      }
      const instance = context.driver.start(context.home.spec({ memoryMb: Number.NaN }));
      await assert.rejects(instance.listening, /EINVAL/);
      assert.equal((await instance.exited).code, undefined);
    });

    for (const [who, order] of [
      ["the program", "hoard"],
      ["a child of it", "childHoard"],
    ] as const) {
      test(`outOfMemory: ${who} uses more than memoryMb`, async (t) => {
        if (!context.driver.capabilities.memoryLimit) {
          t.skip("memory is not limited here");
          return;
        }
        const [instance, dialogue] = await startAndOpen(128);
        dialogue.tell({ do: order, megabytes: 400 });
        const report = await instance.exited;
        assert.equal(report.outOfMemory, true);
        assert.equal(instance.ranOutOfMemory(), true);
        assert.equal(report.signal, "SIGKILL");
      });
    }
  });
}
