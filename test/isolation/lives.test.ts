/** Many instances in sandboxes: as many at once as an account may have twice over, and a thousand lives one after the other. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { silentLogger } from "../../src/base/base.ts";
import { createDriver, type Driver, type DriverInstance } from "../../src/drivers/drivers.ts";
import { DISK_STOCK } from "../../src/drivers/sandbox/scratch-disks.ts";
import { descendants, groupCount, links, loopFiles } from "../../src/drivers/testing/host-inventory.ts";
import { functionKey, newInstanceId } from "../../src/model/model.ts";
import { folderOf, goMissing, testPrograms } from "../support/clients.ts";
import { sandboxMissing } from "../support/sandbox.ts";
import { eventually } from "../support/sluice.ts";

const AT_ONCE = 200;
const LIVES = 1000;
const LANES = 8;
const NAMESPACES = ["net", "mnt", "pid", "ipc", "uts", "cgroup"];

describe("many lives in the sandbox", { skip: sandboxMissing || goMissing }, () => {
  const scratchFolder = join(tmpdir(), `sluice-lives-${randomUUID()}`);
  let driver: Driver;
  let codeDir: string;

  before(async () => {
    codeDir = folderOf((await testPrograms()).go.plain);
    const configuration = { networkPoolSize: 8 };
    ({ driver } = await createDriver({
      isolation: "sandbox",
      configuration,
      output: () => {},
      logger: silentLogger,
      scratchFolder,
    }));
  });
  after(() => driver?.close());

  const start = (): DriverInstance =>
    driver.start({
      instanceId: newInstanceId(),
      function: functionKey("test", "plain"),
      codeDir,
      command: ["./plain"],
      hasCommand: true,
      environment: {},
      caPort: 9000,
      memoryMb: 128,
      diskMb: 512,
      internetAccess: false,
      startLimitMs: 120_000,
    });

  const spawner = () => descendants().find((pid) => commandLine(pid).includes("spawner-main"))!;
  const inventory = () => ({
    processes: descendants().length,
    namespaces: namespaceCount(),
    mounts: readFileSync("/proc/self/mounts", "utf8").split("\n").length,
    groups: groupCount(process.pid),
    links: links().length,
    loopDevices: loopFiles(scratchFolder).length,
    scratchFiles: scratchFiles(scratchFolder),
    temporaryFiles: readdirSync(tmpdir()).length,
    ourDescriptors: readdirSync("/proc/self/fd").length,
    spawnersDescriptors: readdirSync(`/proc/${spawner()}/fd`).length,
  });
  type Inventory = ReturnType<typeof inventory>;
  const kinds = () => Object.keys(inventory()) as (keyof Inventory)[];
  /** Twice the same, a moment apart: the pool is full and nothing ends any more. */
  const atRest = async (): Promise<Inventory> => {
    let earlier = inventory();
    return eventually("all is at rest", () => {
      const now = inventory();
      const isSame = JSON.stringify(now) === JSON.stringify(earlier);
      earlier = now;
      return isSame && now;
    });
  };
  const assertNothingLeft = async (then: Inventory): Promise<void> => {
    let now = inventory();
    const grown = () => kinds().filter((kind) => now[kind] > then[kind]);
    const isAsBefore = () => {
      now = inventory();
      return grown().length === 0;
    };
    await eventually("as much as before", isAsBefore, 20_000).catch(() => {});
    assert.deepEqual(grown(), [], `before ${JSON.stringify(then)}, after ${JSON.stringify(now)}`);
  };
  const warmUp = async (): Promise<void> => {
    const instances = Array.from({ length: LANES }, start);
    await Promise.all(instances.map((instance) => instance.listening));
    for (const instance of instances) instance.destroy();
    await Promise.all(instances.map((instance) => instance.exited));
  };

  test(`${AT_ONCE} instances run at once, each is reached, and nothing of them is left`, async (context) => {
    await warmUp();
    const then = await atRest();
    const startedAt = performance.now();
    const instances = Array.from({ length: AT_ONCE }, start);
    await Promise.all(instances.map((instance) => instance.listening));
    context.diagnostic(`all listened after ${Math.round(performance.now() - startedAt)} ms`);
    assert.equal(new Set(instances.map(({ id }) => id)).size, AT_ONCE);
    const streams = await Promise.all(instances.map((instance) => instance.connect()));
    for (const stream of streams) stream.destroy();
    for (const instance of instances) instance.stop(5_000);
    await Promise.all(instances.map((instance) => instance.exited));
    await assertNothingLeft(then);
  });

  test(`${LIVES} starts and stops leave nothing`, async (context) => {
    await warmUp();
    const then = await atRest();
    const startedAt = performance.now();
    let life = 0;
    const lane = async (): Promise<void> => {
      while (life++ < LIVES) {
        const instance = start();
        await instance.listening;
        if (life % 2 === 0) instance.stop(5_000);
        else instance.destroy();
        await instance.exited;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    context.diagnostic(`${LIVES} lives took ${Math.round(performance.now() - startedAt)} ms`);
    await assertNothingLeft(then);
  });
});

/** Without the disks that are kept in stock, between none and all of them. */
function scratchFiles(folder: string): number {
  const names = readdirSync(folder);
  const disks = names.filter((name) => name.startsWith("disk-"));
  return names.length - Math.min(disks.length, DISK_STOCK);
}

/** Of all processes that this one can see. */
function namespaceCount(): number {
  const found = new Set<string>();
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    for (const kind of NAMESPACES) {
      try {
        found.add(readlinkSync(`/proc/${pid}/ns/${kind}`));
      } catch {
        // Gone in between.
      }
    }
  }
  return found.size;
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
