import { containerSetting } from "../testing/container-subjects.ts";
import { driverContract } from "../testing/driver-contract.ts";
import { endContract } from "../testing/end-contract.ts";
import { freezeContract } from "../testing/freeze-contract.ts";
import { outputContract } from "../testing/output-contract.ts";
import { usageContract } from "../testing/usage-contract.ts";

const setting = await containerSetting();
const { skip } = setting;

driverContract({
  title: "container driver with code packages",
  skip,
  hasOwnUids: true,
  open: (output) => setting.openDriver(output),
});
driverContract(
  {
    title: "container driver with images, in the spawner",
    skip,
    hasOwnUids: false,
    usual: setting.ofImage,
    open: (output) => setting.openSpawner(output, true),
  },
  [endContract, freezeContract, usageContract, outputContract],
);
driverContract(
  {
    title: "container driver in the spawner, with control groups that the engine makes",
    skip,
    hasOwnUids: true,
    open: (output) => setting.openSpawner(output, false),
  },
  [endContract, freezeContract, usageContract],
);
