import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep, systemClock } from "../../base/base.ts";
import type { OutputLine } from "../driver.ts";
import type { ContractContext } from "./driver-contract.ts";
import { eventually } from "./host-inventory.ts";
import { Dialogue } from "./test-function.ts";

export function outputContract(context: ContractContext): void {
  describe("output", () => {
    test("output: whole lines of both streams, with their origin; a last one without end; long ones cut", async () => {
      const lines: OutputLine[] = [];
      context.setOutput((batch) => lines.push(...batch));
      const spec = context.home.spec();
      const instance = context.driver.start(spec);
      await instance.listening;
      const dialogue = await Dialogue.open(instance);
      await dialogue.ask({ do: "print", stream: "stdout", text: "first\r\nsec" });
      await dialogue.ask({ do: "print", stream: "stdout", text: "ond\n\n" });
      await dialogue.ask({ do: "print", stream: "stderr", text: "wrong\n" });
      await dialogue.ask({ do: "print", stream: "stdout", text: `${"y".repeat(40_000)}\nwithout end` });
      dialogue.tell({ do: "exit", code: 0 });
      await instance.exited;
      const texts = (source: string) => lines.filter((line) => line.source === source).map((line) => line.text);
      await eventually("the last line", () => texts("stdout").at(-1) === "without end");
      assert.deepEqual(texts("stdout"), ["first", "second", "", "y".repeat(32 * 1024), "without end"]);
      assert.deepEqual(texts("stderr"), ["wrong"]);
      for (const line of lines) {
        assert.equal(line.instanceId, spec.instanceId);
        assert.equal(line.function, spec.function);
        assert.ok(Math.abs(line.at - Date.now()) < 60_000);
      }
    });

    test("output: a flood is cut to the rate and told", async () => {
      let bytes = 0;
      let hasTold = false;
      context.setOutput((batch) => {
        for (const line of batch) {
          bytes += line.text.length;
          hasTold ||= /^\[sluice\] \d+ lines dropped/.test(line.text);
        }
      });
      const instance = context.driver.start(context.home.spec());
      await instance.listening;
      const dialogue = await Dialogue.open(instance);
      await dialogue.ask({ do: "flood" });
      const startedAt = systemClock.nowMs();
      let worstMs = 0;
      while (systemClock.nowMs() - startedAt < 1_500) {
        const before = systemClock.nowMs();
        await eventually("a turn", () => systemClock.nowMs() - before >= 10);
        worstMs = Math.max(worstMs, systemClock.nowMs() - before);
      }
      instance.destroy();
      await instance.exited;
      assert.ok(hasTold, "the number of dropped lines is told");
      assert.ok(bytes < 4 * 1024 * 1024, `${bytes} bytes came through`);
      assert.ok(worstMs < 250, `this loop stood still for ${worstMs} ms`);
    });

    test("output: comes within moments while the program runs", async () => {
      let seenAt = 0;
      context.setOutput((batch) => {
        if (batch.some((line) => line.text === "now")) seenAt = systemClock.nowMs();
      });
      const instance = context.driver.start(context.home.spec());
      await instance.listening;
      const dialogue = await Dialogue.open(instance);
      await dialogue.ask({ do: "print", stream: "stdout", text: "now\n" });
      await eventually("the line", () => seenAt > 0);
      instance.destroy();
      await instance.exited;
      context.setOutput(() => {});
      await sleep(systemClock, 0);
    });
  });
}
