/** What every implementation of Store holds to. An implementation's own test calls `describeStore`. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { functionKey } from "../../model/model.ts";
import { type Change, type DocumentId, type DocumentKind, openSqliteStore, type Store } from "../store.ts";
import { usage } from "./samples.ts";

/** A store that is empty at first and survives being closed and opened again. */
export interface StoreUnderTest {
  open(): Promise<Store>;
  /** Frees what the store leaves behind; every store opened is closed by then. */
  remove(): Promise<void>;
}

const account = "1234567890";

function id(kind: DocumentKind, key: string, accountId = account): DocumentId {
  return { accountId, kind, key };
}

function put(kind: DocumentKind, key: string, value: unknown, accountId = account): Change {
  return { type: "put", accountId, kind, key, value };
}

function remove(kind: DocumentKind, key: string): Change {
  return { type: "delete", accountId: account, kind, key };
}

export function describeStore(name: string, make: () => Promise<StoreUnderTest>): void {
  async function withStore(work: (store: Store, reopen: () => Promise<Store>) => Promise<void>): Promise<void> {
    const made = await make();
    let store = await made.open();
    try {
      await work(store, async () => {
        await store.close();
        store = await made.open();
        return store;
      });
    } finally {
      await store.close();
      await made.remove();
    }
  }

  describe(`${name}: Store contract`, () => {
    test("commit: what is put is got back with its ETag and change number, also after opening again", () =>
      withStore(async (store, reopen) => {
        const value = { name: "grün", list: [1, null, { deep: true }] };
        const result = await store.commit([put("service", "a", value)], []);
        assert.equal(result.change, 1);
        assert.match(result.etags[0] ?? "", /^[0-9a-f]{32}$/);
        const expected = { ...id("service", "a"), value, etag: result.etags[0], change: 1 };
        assert.deepEqual(await store.get(id("service", "a")), expected);
        const again = await reopen();
        assert.deepEqual(await again.get(id("service", "a")), expected);
        assert.equal(await again.currentChange(), 1);
      }));

    test("get: another account, kind or key finds nothing", () =>
      withStore(async (store) => {
        await store.commit([put("service", "a", 1)], []);
        assert.equal(await store.get(id("service", "a", "other")), undefined);
        assert.equal(await store.get(id("function", "a")), undefined);
        assert.equal(await store.get(id("service", "b")), undefined);
      }));

    test("commit: an expectation that fails leaves every document and the change number as they were", () =>
      withStore(async (store) => {
        const first = await store.commit([put("service", "a", 1)], [{ ...id("service", "a"), etag: "absent" }]);
        const changes = [put("service", "a", 2), put("service", "b", 2)];
        for (const etag of ["absent", "0".repeat(32)]) {
          await assert.rejects(store.commit(changes, [{ ...id("service", "a"), etag }]), { code: "conflict" });
        }
        assert.equal((await store.get(id("service", "a")))?.value, 1);
        assert.equal(await store.get(id("service", "b")), undefined);
        assert.equal(await store.currentChange(), first.change);
        await store.commit(changes, [{ ...id("service", "a"), etag: first.etags[0] ?? "" }]);
        assert.equal((await store.get(id("service", "b")))?.value, 2);
      }));

    test("commit: the ETag changes with every write, also of the same value", () =>
      withStore(async (store) => {
        const etags = new Set<string>();
        for (let i = 0; i < 3; i += 1) {
          const result = await store.commit([put("service", "a", 1)], []);
          etags.add(result.etags[0] ?? "");
        }
        assert.equal(etags.size, 3);
      }));

    test("commit: no change, or two of one document, is refused", () =>
      withStore(async (store) => {
        await assert.rejects(store.commit([], []), TypeError);
        await assert.rejects(store.commit([put("service", "a", 1), remove("service", "a")], []), TypeError);
        assert.equal(await store.currentChange(), 0);
      }));

    test("list: keys in byte order, by prefix, from startKey, up to limit", () =>
      withStore(async (store) => {
        const keys = ["a/1", "a/2", "a/3", "a_", "b/1", "B/1"];
        await store.commit(
          keys.map((key) => put("function", key, key)),
          [],
        );
        const listed = async (options: object) =>
          (await store.list(account, "function", options)).map((document) => document.key);
        assert.deepEqual(await listed({}), ["B/1", "a/1", "a/2", "a/3", "a_", "b/1"]);
        assert.deepEqual(await listed({ prefix: "a/" }), ["a/1", "a/2", "a/3"]);
        assert.deepEqual(await listed({ prefix: "a/", startKey: "a/2" }), ["a/2", "a/3"]);
        assert.deepEqual(await listed({ prefix: "a/", startKey: "A" }), ["a/1", "a/2", "a/3"]);
        assert.deepEqual(await listed({ startKey: "a/2", limit: 2 }), ["a/2", "a/3"]);
        assert.deepEqual(await listed({ prefix: "a/", startKey: "b" }), []);
      }));

    test("changesSince: each document once as it is now, deletions too, in the order of commits", () =>
      withStore(async (store) => {
        await store.commit([put("service", "a", 1), put("service", "b", 1)], []);
        await store.commit([put("service", "c", 1)], []);
        await store.commit([put("service", "a", 2)], []);
        await store.commit([remove("service", "b")], []);
        const told = (await store.changesSince(1)).map((each) => [each.key, "deleted" in each ? "gone" : each.value]);
        assert.deepEqual(told, [
          ["c", 1],
          ["a", 2],
          ["b", "gone"],
        ]);
        assert.deepEqual(await store.changesSince(4), []);
        await store.commit([put("service", "b", 3)], [{ ...id("service", "b"), etag: "absent" }]);
        assert.equal((await store.get(id("service", "b")))?.value, 3);
      }));

    test("usageTotals: the sum of what was appended, a record told twice counted once", () =>
      withStore(async (store, reopen) => {
        await store.appendUsage(account, [usage("i", 0, 100, 2), usage("i", 100, 150, 1)]);
        await store.appendUsage(account, [usage("i", 100, 150, 1), usage("j", 0, 7, 1)]);
        await store.appendUsage(account, [usage("k", 0, 5, 1, { memoryMb: 1024 })]);
        const key = functionKey("s", "f");
        const expected = [
          { function: key, memoryMb: 512, calls: 4, busyMs: 157, firstAt: 7_200_000, lastAt: 7_200_100 },
          { function: key, memoryMb: 1024, calls: 1, busyMs: 5, firstAt: 7_200_000, lastAt: 7_200_000 },
        ];
        assert.deepEqual(await store.usageTotals(account), expected);
        assert.deepEqual(await (await reopen()).usageTotals(account), expected);
      }));

    test("usageTotals: sinceAt leaves out earlier hours; other accounts see nothing", () =>
      withStore(async (store) => {
        await store.appendUsage(account, [usage("i", 0, 1, 1), usage("i", 5, 6, 1, { startedAt: 10_800_000 })]);
        assert.equal((await store.usageTotals(account, 10_900_000))[0]?.calls, 1);
        assert.deepEqual(await store.usageTotals("other"), []);
      }));

    test("takeUsageOf: what another has is added, what both have counted once, however often", () =>
      withStore(async (store) => {
        const folder = await mkdtemp(join(tmpdir(), "sluice-copy-"));
        const copy = join(folder, "copy.db");
        try {
          await store.appendUsage(account, [usage("i", 0, 100, 2)]);
          await store.copyTo(copy);
          await store.appendUsage(account, [usage("i", 100, 150, 1), usage("j", 0, 7, 1, { startedAt: 10_800_000 })]);
          const later = join(folder, "later.db");
          await store.copyTo(later);
          const restored = await openSqliteStore({ file: copy });
          await restored.appendUsage(account, [usage("k", 0, 3, 5)]);
          for (let times = 0; times < 2; times += 1) await restored.takeUsageOf(later);
          const [total] = await restored.usageTotals(account);
          assert.deepEqual([total?.calls, total?.busyMs], [9, 160]);
          await restored.close();
        } finally {
          await rm(folder, { recursive: true });
        }
      }));

    test("copyTo: all as of one moment, while writes go on", () =>
      withStore(async (store) => {
        const folder = await mkdtemp(join(tmpdir(), "sluice-copy-"));
        try {
          const file = join(folder, "copy.db");
          const big = "x".repeat(100_000);
          for (let i = 0; i < 200; i += 1) await store.commit([put("service", `a${i}`, big)], []);
          const copying = store.copyTo(file);
          for (let i = 0; i < 50; i += 1)
            await store.commit([put("service", `b${i}`, i), put("trigger", `b${i}`, i)], []);
          await copying;
          const copy = await openSqliteStore({ file });
          const change = await copy.currentChange();
          assert.ok(change >= 200);
          assert.equal((await copy.list(account, "trigger")).length, change - 200);
          assert.equal((await copy.list(account, "service")).length, change);
          await copy.close();
        } finally {
          await rm(folder, { recursive: true });
        }
      }));

    test("close: may be called twice; every other method rejects afterwards", () =>
      withStore(async (store) => {
        await store.close();
        await store.close();
        await assert.rejects(store.get(id("service", "a")), { code: "closed" });
        await assert.rejects(store.commit([put("service", "a", 1)], []), { code: "closed" });
        await assert.rejects(store.appendUsage(account, []), { code: "closed" });
      }));

    test("commit: any sequence of puts and deletes reads as in a map", () =>
      withStore(async (store) => {
        const step = fc.record({ key: fc.constantFrom("a", "b", "c/d"), value: fc.option(fc.jsonValue()) });
        const model = new Map<string, unknown>();
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
            for (const { key, value } of steps) {
              await store.commit([value === null ? remove("trigger", key) : put("trigger", key, value)], []);
              if (value === null) model.delete(key);
              else model.set(key, JSON.parse(JSON.stringify(value)));
            }
            const listed = await store.list(account, "trigger");
            const expected = [...model].sort(([left], [right]) => (left < right ? -1 : 1));
            assert.deepEqual(
              listed.map((document) => [document.key, document.value]),
              expected,
            );
          }),
          { numRuns: 30 },
        );
      }));
  });
}
