/** Whoever is killed: no container of a function runs on, and none, no link and no control group stays. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLogger as logger, systemClock } from "../../base/base.ts";
import { childrenOf } from "../host/process-tree.ts";
import { containerLinks, containerSetting } from "../testing/container-subjects.ts";
import { descendants, eventually, groupCount, processesNaming, remains } from "../testing/host-inventory.ts";
import type { MainReport } from "../testing/main-program.ts";
import { Dialogue, TestHome, uniqueSeconds } from "../testing/test-function.ts";
import { openEngine } from "./engine.ts";
import { leftContainers, removeLeftContainers } from "./owner.ts";

const setting = await containerSetting();
const LIMIT_MS = 5_000;

describe("deaths around containers", { skip: setting.skip }, () => {
  let home: TestHome | undefined;
  before(async () => {
    home = await TestHome.create();
  });
  after(() => home?.remove());

  const count = async (): Promise<number> => {
    const { docker } = await openEngine();
    return (await docker.listContainers({ all: true })).length;
  };
  const assertNoContainer = async (): Promise<void> => {
    const startedAt = systemClock.nowMs();
    while ((await count()) > 0) assert.ok(systemClock.nowMs() - startedAt < LIMIT_MS, "containers stay");
  };
  const startMain = async (): Promise<{ main: ChildProcess; report: MainReport }> => {
    const program = fileURLToPath(new URL("../testing/main-program.ts", import.meta.url));
    const main = spawn(process.execPath, [program, "container", home!.path, uniqueSeconds(), uniqueSeconds()], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TEST_CONFIGURATION: JSON.stringify(setting.configuration) },
    });
    const failed = once(main, "exit").then(() => assert.fail("the main process ended before its instances listened"));
    const [line] = await Promise.race([once(main.stdout!, "data"), failed]);
    failed.catch(() => {});
    return { main, report: JSON.parse(String(line)) as MainReport };
  };
  const assertNothingRuns = async (report: MainReport): Promise<void> => {
    for (const mark of [...report.sleepers, ...report.instanceIds]) {
      await eventually(`nothing of ${mark} runs`, () => processesNaming(mark).length === 0, LIMIT_MS);
    }
  };

  test("SIGKILL of main: the spawner ends everything and itself", async () => {
    const { main, report } = await startMain();
    assert.equal(await count(), 2);
    main.kill("SIGKILL");
    await once(main, "exit");
    await assertNothingRuns(report);
    await assertNoContainer();
    await eventually("its links are gone", () => containerLinks() === 0, LIMIT_MS);
    await eventually("its groups are gone", () => remains(main.pid!).length === 0, LIMIT_MS);
  });

  for (const useOwnCgroups of [true, false]) {
    test(`SIGKILL of the spawner${useOwnCgroups ? "" : ", groups of the engine"}: main ends what is left, and the next start works`, async (t) => {
      const driver = await setting.openSpawner(() => {}, useOwnCgroups);
      t.after(() => driver.close());
      const instance = driver.start(home!.spec());
      await instance.listening;
      await (await Dialogue.open(instance)).ask({ do: "info" });
      if (instance.canFreeze) await instance.freeze();
      process.kill(driver.spawnerPid!, "SIGKILL");
      assert.equal((await instance.exited).signal, "SIGKILL");
      assert.deepEqual(processesNaming(instance.id), []);
      await assertNoContainer();
      const next = driver.start(home!.spec());
      await next.listening;
      next.destroy();
      await next.exited;
    });
  }

  test("SIGKILL of main and spawner at once: the next start of any Sluice removes what is left", async () => {
    const { main, report } = await startMain();
    const engine = await openEngine();
    assert.deepEqual(await leftContainers(engine), []);
    for (const spawner of childrenOf(main.pid!)) process.kill(spawner, "SIGKILL");
    main.kill("SIGKILL");
    await once(main, "exit");
    const removed = await removeLeftContainers(engine, logger);
    assert.deepEqual(removed.map(({ instance }) => instance).sort(), [...report.instanceIds].sort());
    await assertNothingRuns(report);
    await assertNoContainer();
    await eventually("its links are gone", () => containerLinks() === 0, LIMIT_MS);
    await (await setting.openDriver(() => {})).close();
    assert.deepEqual(remains(main.pid!), []);
  });
});

test("twenty lives, ended in all ways, leave no container, process, group, link or descriptor", {
  skip: setting.skip,
}, async () => {
  const home = await TestHome.create();
  const driver = await setting.openSpawner(() => {}, true);
  const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
  const inventory = async () => ({
    containers: (await (await openEngine()).docker.listContainers({ all: true })).length,
    processes: descendants().length,
    groups: groupCount(process.pid),
    links: containerLinks(),
    spawners: descriptorsOf(driver.spawnerPid!),
  });
  const live = async (life: number): Promise<void> => {
    const instance = driver.start(home.spec());
    if (life % 4 === 0) instance.destroy();
    await instance.listening.catch(() => {});
    if (life % 4 === 1) await instance.freeze();
    if (life % 4 === 2) (await Dialogue.open(instance)).tell({ do: "exit", code: 0 });
    else if (life % 4 === 3) instance.stop(1_000);
    else instance.destroy();
    await instance.exited;
  };
  try {
    await Promise.all([0, 1, 2, 3].map(live));
    const before = await inventory();
    for (let life = 0; life < 20; life += 4) await Promise.all([0, 1, 2, 3].map((way) => live(life + way)));
    let after = await inventory();
    const startedAt = systemClock.nowMs();
    const kinds = Object.keys(before) as (keyof typeof before)[];
    const isAsBefore = () => kinds.every((kind) => after[kind] <= before[kind]);
    // Connections to the engine that nobody uses are closed after some seconds.
    while (!isAsBefore() && systemClock.nowMs() - startedAt < 10_000) after = await inventory();
    assert.ok(isAsBefore(), `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  } finally {
    await driver.close();
    await home.remove();
  }
});
