/** Two hundred lives, with freezes where there are any, each ended in another way: afterwards there is as much as before. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import type { DriverInstance } from "../driver.ts";
import { treeOf } from "../host/process-tree.ts";
import { descendants, eventually, groupCount, links, linksOf } from "../testing/host-inventory.ts";
import { sandboxSkip, spawnerDriver } from "../testing/subjects.ts";
import { Dialogue, TestHome } from "../testing/test-function.ts";

const LIVES = 200;
const AT_ONCE = 8;
/** The pool of network namespaces and the buffers of both processes have come to rest. */
const REST_LIMIT_MS = 10_000;

type End = (instance: DriverInstance, dialogue: Dialogue) => Promise<unknown>;

const ENDS: readonly End[] = [
  async (instance) => instance.destroy(),
  async (instance) => instance.stop(10_000),
  async (_instance, dialogue) => dialogue.tell({ do: "exit", code: 0 }),
  async (instance) => {
    const opened = Array.from({ length: 4 }, () => instance.connect());
    instance.destroy();
    for (const attempt of opened) {
      await attempt.then(
        (stream) => stream.on("error", () => {}).destroy(),
        () => {},
      );
    }
  },
];

/** Ways to end an instance; the last of each freeze is not waited for. */
const ENDS_WITH_FREEZE: readonly End[] = [
  async (instance) => {
    await instance.freeze();
    instance.destroy();
  },
  async (instance) => {
    await instance.freeze();
    instance.stop(10_000);
  },
  async (instance, dialogue) => {
    await instance.freeze();
    await instance.thaw();
    dialogue.tell({ do: "exit", code: 0 });
  },
  async (instance) => {
    const freeze = instance.freeze();
    instance.destroy();
    await freeze.catch(() => {});
  },
  async (instance) => {
    const freeze = instance.freeze();
    instance.stop(10_000);
    await freeze.catch(() => {});
  },
];

test(`${LIVES} lives leave no process, group, link or descriptor`, { skip: sandboxSkip() }, async (t) => {
  const home = await TestHome.create();
  t.after(() => home.remove());
  const driver = await spawnerDriver("sandbox", () => {});
  t.after(() => driver.close());
  const ends = [...ENDS, ...(driver.capabilities.freeze ? ENDS_WITH_FREEZE : [])];
  /** Its links so far, not those of other Sluices; as an ordinary user they are in a network that is not seen here. */
  const seen = new Set<string>();
  const look = () => linksOf(treeOf(driver.spawnerPid!)).forEach((link) => void seen.add(link));
  const live = async (life: number): Promise<void> => {
    // Half of them have a process of their own for the way out.
    const instance = driver.start(home.spec({ internetAccess: life % 2 === 0 }));
    await instance.listening;
    look();
    const dialogue = await Dialogue.open(instance);
    await dialogue.ask({ do: "info" });
    await ends[life % ends.length]!(instance, dialogue);
    await instance.exited;
    dialogue.stream.destroy();
  };
  const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
  const inventory = () => ({
    processes: descendants().length,
    groups: groupCount(process.pid),
    links: links().filter((link) => seen.has(link)).length,
    ours: descriptorsOf(process.pid),
    spawners: descriptorsOf(driver.spawnerPid!),
  });
  // What is made once and kept is there before the count.
  await Promise.all(Array.from({ length: AT_ONCE }, (_, life) => live(life)));
  let before = inventory();
  await eventually("all is at rest", () => {
    const earlier = before;
    before = inventory();
    return JSON.stringify(before) === JSON.stringify(earlier);
  });

  let life = 0;
  const lane = async (): Promise<void> => {
    while (life < LIVES) await live(life++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  let after = inventory();
  const isAsBefore = () => {
    after = inventory();
    return Object.keys(before).every(
      (kind) => after[kind as keyof typeof after] <= before[kind as keyof typeof before],
    );
  };
  await eventually("as much as before", isAsBefore, REST_LIMIT_MS).catch(() => {});
  assert.ok(isAsBefore(), `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
});
