import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ContractContext } from "./driver-contract.ts";
import { eventually } from "./host-inventory.ts";
import { Dialogue } from "./test-function.ts";

const BYTES_PER_MB = 1024 * 1024;
/** A look every second, and the way to main. */
const USAGE_LIMIT_MS = 5_000;

export function usageContract(context: ContractContext): void {
  describe("usage", () => {
    test("usage: memory and CPU as they grow, both also in the report of the end", async (t) => {
      const instance = context.driver.start(context.home.spec());
      assert.equal(instance.usage, undefined);
      await instance.listening;
      const dialogue = await Dialogue.open(instance);
      if (!context.driver.capabilities.usage) {
        instance.destroy();
        assert.equal((await instance.exited).usage, undefined);
        t.skip("this driver does not know it");
        return;
      }
      // The first look may have come while the program was still being started.
      const isKnown = () => (instance.usage?.memoryBytes ?? 0) > 5 * BYTES_PER_MB;
      await eventually("usage is known", isKnown, USAGE_LIMIT_MS);
      const before = instance.usage!;
      assert.ok(before.memoryBytes < 200 * BYTES_PER_MB, text(before));
      assert.ok(before.memoryPeakBytes >= before.memoryBytes, text(before));
      assert.ok(before.cpuSeconds > 0.005 && before.cpuSeconds < 60, text(before));

      await dialogue.ask({ do: "hoard", megabytes: 100 });
      await dialogue.ask({ do: "burn", milliseconds: 400 });
      const grownMb = () => (instance.usage!.memoryBytes - before.memoryBytes) / BYTES_PER_MB;
      // Not by the same look where the machine is slow.
      const isSeen = () => instance.usage!.cpuSeconds >= before.cpuSeconds + 0.3 && grownMb() > 90;
      await eventually("CPU and memory are seen", isSeen, USAGE_LIMIT_MS);
      const after = instance.usage!;
      assert.ok(grownMb() < 150, `memory grew by ${grownMb()} MB, ${text(after)}`);
      assert.ok(after.memoryPeakBytes >= after.memoryBytes, text(after));

      instance.destroy();
      const { usage } = await instance.exited;
      assert.ok(usage !== undefined && usage.cpuSeconds >= after.cpuSeconds, text(usage));
      assert.ok(usage.memoryPeakBytes >= after.memoryPeakBytes, text(usage));
      assert.deepEqual(instance.usage, usage);
    });
  });
}

function text(usage: unknown): string {
  return JSON.stringify(usage);
}
