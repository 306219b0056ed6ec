/** Where an instance's endpoint leads when the instance is gone: nowhere. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { systemClock as clock, silentLogger as logger } from "../../base/base.ts";
import { Connector } from "../local/connect.ts";
import type { LocalInstance } from "../local/local-instance.ts";
import { eventually } from "../testing/host-inventory.ts";
import {
  configuration,
  localDriver,
  nodePath,
  rootSandboxSkip,
  scratchFolder,
  testCgroups,
} from "../testing/subjects.ts";
import { TestHome } from "../testing/test-function.ts";
import { createSandboxLauncher } from "./sandbox-launcher.ts";

test("a connection to an instance whose link is gone takes no other way", { skip: rootSandboxSkip() }, async () => {
  const cgroups = testCgroups();
  const launcher = await createSandboxLauncher({
    clock,
    logger,
    configuration,
    nodePath,
    cgroups,
    scratchFolder: scratchFolder(),
  });
  const driver = localDriver(launcher, () => {});
  const home = await TestHome.create();
  try {
    const instance = driver.start(home.spec()) as LocalInstance;
    await instance.listening;
    const endpoint = instance.endpoint!;
    (await instance.connect()).destroy();
    instance.destroy();
    await instance.exited;
    const isThere = () =>
      Object.values(networkInterfaces()).some((addresses) =>
        addresses?.some(({ address }) => address === endpoint.localAddress),
      );
    await eventually("the link is gone", () => !isThere());
    await assert.rejects(new Connector().open(endpoint), { code: "EADDRNOTAVAIL" });
  } finally {
    await driver.close();
    await home.remove();
  }
});
