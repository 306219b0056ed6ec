/** The parts of the drivers' contract that stand on control groups, with those of version 2 alone. */
import { driverContract } from "../../../src/drivers/testing/driver-contract.ts";
import { endContract } from "../../../src/drivers/testing/end-contract.ts";
import { freezeContract } from "../../../src/drivers/testing/freeze-contract.ts";
import { sandboxSkip, spawnerDriver } from "../../../src/drivers/testing/subjects.ts";
import { usageContract } from "../../../src/drivers/testing/usage-contract.ts";

const PARTS = [endContract, freezeContract, usageContract];

for (const name of ["process", "sandbox"] as const) {
  driverContract(
    {
      title: `${name} driver with control groups of version 2`,
      skip: sandboxSkip(),
      hasOwnUids: true,
      open: (output) => spawnerDriver(name, output),
    },
    PARTS,
  );
}
