import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { openSqliteStore, type Store } from "../store/store.ts";
import { usage } from "../store/testing/samples.ts";
import { UsageJournal } from "./usage-journal.ts";

async function withJournal(
  work: (journal: UsageJournal, clock: FakeClock, store: Store) => Promise<void>,
  sizeMaxBytes?: number,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-usage-"));
  const store = await openSqliteStore({ file: join(dir, "state.db"), ...(sizeMaxBytes && { sizeMaxBytes }) });
  const clock = new FakeClock();
  await work(
    new UsageJournal({ store, accountId: "1", clock, logger: silentLogger, stored: () => undefined }),
    clock,
    store,
  );
  await store.close();
  await rm(dir, { recursive: true });
}

async function busyMs(store: Store): Promise<number> {
  return (await store.usageTotals("1")).reduce((sum, total) => sum + total.busyMs, 0);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("UsageJournal.add: what arrives is stored within 500 ms, in one commit", () =>
  withJournal(async (journal, clock, store) => {
    journal.add([usage("i", 0, 10, 1)]);
    clock.advance(100);
    journal.add([usage("i", 10, 30, 1)]);
    assert.equal(await busyMs(store), 0);
    clock.advance(400);
    await settled();
    assert.equal(await busyMs(store), 30);
    assert.equal(journal.pendingCount, 0);
    assert.equal(clock.pendingCount, 0);
  }));

test("UsageJournal: while the store has no room nothing is lost, and all is stored once there is", () =>
  withJournal(async (journal, clock, store) => {
    const value = "x".repeat(3000);
    const fill = async () => {
      for (let index = 0; ; index += 1) {
        await store.commit([{ type: "put", accountId: "1", kind: "service", key: `s${index}`, value }], []);
      }
    };
    await assert.rejects(fill, { code: "full" });
    const records = Array.from({ length: 2000 }, (_, index) => usage("instance-with-a-long-name", index, index + 1, 1));
    journal.add(records);
    clock.advance(500);
    await settled();
    assert.equal(journal.pendingCount, 2000);
    await assert.rejects(journal.flush(), { code: "full" });
    for (const { key } of await store.list("1", "service")) {
      await store.commit([{ type: "delete", accountId: "1", kind: "service", key }], []);
    }
    clock.advance(1000);
    await settled();
    assert.equal(await busyMs(store), 2000);
  }, 600 * 1024));
