import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { systemClock as clock } from "../../base/base.ts";
import { budgetContract } from "../testing/budget-contract.ts";
import { driverContract } from "../testing/driver-contract.ts";
import { endContract } from "../testing/end-contract.ts";
import { freezeContract } from "../testing/freeze-contract.ts";
import {
  cgroupSkip,
  configuration,
  isRoot,
  localDriver,
  nodePath,
  spawnerDriver,
  testCgroups,
  version1Cgroups,
  version1Skip,
} from "../testing/subjects.ts";
import { TestHome } from "../testing/test-function.ts";
import { usageContract } from "../testing/usage-contract.ts";
import { createProcessLauncher } from "./process-launcher.ts";

const open = async (output: Parameters<typeof localDriver>[1], useNamespaces: boolean) => {
  const cgroups = testCgroups();
  return localDriver(await createProcessLauncher({ clock, configuration, nodePath, cgroups, useNamespaces }), output);
};

driverContract({
  title: "process driver",
  skip: false,
  hasOwnUids: isRoot,
  open: (output) => open(output, true),
});
driverContract({
  title: "process driver without namespaces",
  skip: false,
  hasOwnUids: isRoot,
  needsOpenHome: isRoot,
  open: (output) => open(output, false),
});
driverContract({
  title: "process driver in the spawner",
  skip: false,
  hasOwnUids: isRoot,
  open: (output) => spawnerDriver("process", output),
});

// A frozen process of version 1 is killed only when it thaws. Machines with version 2 alone have no such hierarchy.
driverContract(
  {
    title: "process driver with control groups of version 1 alone",
    skip: version1Skip(),
    hasOwnUids: isRoot,
    open: async (output) =>
      localDriver(await createProcessLauncher({ clock, configuration, nodePath, cgroups: version1Cgroups() }), output),
  },
  [endContract, freezeContract, usageContract],
);

budgetContract({
  title: "process driver",
  skip: cgroupSkip(),
  openCgroups: testCgroups,
  open: async (cgroups) =>
    localDriver(await createProcessLauncher({ clock, configuration, nodePath, cgroups }), () => {}),
});

test("an instance that is looked at while its place is prepared can be frozen later", async (t) => {
  const driver = await open(() => {}, true);
  const home = await TestHome.create();
  try {
    if (!driver.capabilities.freeze) {
      t.skip("this driver cannot freeze");
      return;
    }
    const instance = driver.start(home.spec());
    let listens = false;
    const listening = instance.listening.finally(() => {
      listens = true;
    });
    while (!listens) {
      instance.lookAtUsage();
      await setImmediate();
    }
    await listening;
    instance.lookAtUsage();
    await instance.freeze();
    instance.destroy();
    await instance.exited;
  } finally {
    await driver.close();
    await home.remove();
  }
});
