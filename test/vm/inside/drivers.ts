/** The parts of the drivers' contract that stand on control groups, with those of version 2 alone. */
import { systemClock as clock } from "../../../src/base/base.ts";
import { createProcessLauncher } from "../../../src/drivers/process/process-launcher.ts";
import { budgetContract } from "../../../src/drivers/testing/budget-contract.ts";
import { driverContract } from "../../../src/drivers/testing/driver-contract.ts";
import { endContract } from "../../../src/drivers/testing/end-contract.ts";
import { freezeContract } from "../../../src/drivers/testing/freeze-contract.ts";
import { limitsContract } from "../../../src/drivers/testing/limits-contract.ts";
import {
  cgroupSkip,
  configuration,
  localDriver,
  nodePath,
  sandboxSkip,
  spawnerDriver,
  testCgroups,
} from "../../../src/drivers/testing/subjects.ts";
import { usageContract } from "../../../src/drivers/testing/usage-contract.ts";

driverContract(
  {
    title: "sandbox driver with control groups of version 2",
    skip: sandboxSkip(),
    hasOwnUids: true,
    open: (output) => spawnerDriver("sandbox", output),
  },
  [endContract, freezeContract, usageContract, limitsContract],
);

budgetContract({
  title: "process driver with control groups of version 2",
  skip: cgroupSkip(),
  openCgroups: testCgroups,
  open: async (cgroups) =>
    localDriver(await createProcessLauncher({ clock, configuration, nodePath, cgroups }), () => {}),
});
