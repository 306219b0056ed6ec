import { systemClock as clock } from "../../base/base.ts";
import { driverContract } from "../testing/driver-contract.ts";
import { configuration, isRoot, localDriver, nodePath, spawnerDriver, testCgroups } from "../testing/subjects.ts";
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
