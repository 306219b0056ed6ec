/** Container images beside code packages in another isolation, through one spawner. */
import assert from "node:assert/strict";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { newInstanceId } from "../../model/model.ts";
import { openEngine } from "../container/engine.ts";
import type { Driver, StartSpec } from "../driver.ts";
import { containerSetting } from "../testing/container-subjects.ts";
import { remains } from "../testing/host-inventory.ts";
import { sandboxSkip, spawnerDriver } from "../testing/subjects.ts";
import { Dialogue, TestHome } from "../testing/test-function.ts";
import { IMAGE_UID } from "../testing/test-images.ts";

const setting = await containerSetting();

async function withDriver(
  name: "process" | "sandbox",
  engine: string,
  work: (driver: Driver, home: TestHome) => Promise<void>,
): Promise<void> {
  const before = process.env["DOCKER_HOST"];
  process.env["DOCKER_HOST"] = engine;
  const home = await TestHome.create(true);
  const driver = await spawnerDriver(name, () => {});
  process.env["DOCKER_HOST"] = before;
  try {
    await work(driver, home);
  } finally {
    await driver.close();
    await home.remove();
  }
}

function imageSpec(home: TestHome): StartSpec {
  return { ...home.spec(), ...setting.ofImage(), instanceId: newInstanceId() };
}

for (const [name, skip] of [
  ["process", setting.skip],
  ["sandbox", setting.skip || sandboxSkip()],
] as const) {
  describe(`images beside the ${name} driver`, { skip }, () => {
    test("both kinds run at once, each in its own isolation, and nothing is left after", async () => {
      await withDriver(name, setting.address, async (driver, home) => {
        assert.equal(driver.name, name);
        assert.equal(driver.capabilities.images, true);
        assert.deepEqual(await driver.probe(), { works: true });
        const instances = [driver.start(home.spec()), driver.start(imageSpec(home)), driver.start(imageSpec(home))];
        await Promise.all(instances.map((instance) => instance.listening));
        const programs: unknown[] = [];
        for (const instance of instances) {
          const dialogue = await Dialogue.open(instance);
          const { uid, main } = await dialogue.ask({ do: "info" });
          programs.push(main === "/app/bootstrap" && uid === IMAGE_UID);
          instance.stop(1_000);
        }
        assert.deepEqual(programs, [false, true, true]);
        const reports = await Promise.all(instances.map((instance) => instance.exited));
        assert.deepEqual(
          reports.map(({ outOfMemory }) => outOfMemory),
          [false, false, false],
        );
      });
      assert.deepEqual(remains(process.pid), []);
      const { docker } = await openEngine({ address: setting.address });
      assert.deepEqual(await docker.listContainers({ all: true }), []);
    });

    test("without an engine a package starts, and an image says what is missing; with one that comes up it starts", async () => {
      const folder = await mkdtemp(join(tmpdir(), "absent-engine-"));
      const socket = join(folder, "docker.sock");
      await withDriver(name, `unix://${socket}`, async (driver, home) => {
        const image = driver.start(imageSpec(home));
        await assert.rejects(image.listening, {
          errorType: "FunctionNotStarted",
          message: /no container engine answers at .*absent.*: start Docker or Podman/,
        });
        await image.exited;
        const program = driver.start(home.spec());
        await program.listening;
        program.destroy();
        await program.exited;
        await symlink(setting.address.slice("unix://".length), socket);
        const next = driver.start(imageSpec(home));
        await next.listening;
        next.destroy();
        await next.exited;
      });
      await rm(folder, { recursive: true });
    });
  });
}
