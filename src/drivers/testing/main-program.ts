/**
 * A main process for tests to kill: `main-program.ts DRIVER HOME` starts instances with a grandchild each, freezes the first, prints
 * one line of JSON, and waits.
 */
import { silentLogger } from "../../base/base.ts";
import { createDriver, type DriverConfiguration, type DriverName } from "../drivers.ts";
import { Dialogue, TestHome } from "./test-function.ts";

/** What it prints. */
export interface MainReport {
  readonly instanceIds: readonly string[];
  /** Unique seconds that the grandchildren sleep. */
  readonly sleepers: readonly string[];
}

const [driverName, homePath, ...sleepers] = process.argv.slice(2);
const home = TestHome.at(homePath!);
const { driver } = await createDriver({
  isolation: driverName as DriverName,
  output: () => {},
  logger: silentLogger,
  configuration: {
    networkPoolSize: 2,
    // What else the test wants.
    ...(JSON.parse(process.env["TEST_CONFIGURATION"] ?? "{}") as Partial<DriverConfiguration>),
  },
});
const instances = sleepers.map(() => driver.start(home.spec({ internetAccess: true })));
for (const [index, instance] of instances.entries()) {
  await instance.listening;
  await (await Dialogue.open(instance)).ask({ do: "sleeper", seconds: sleepers[index] });
}
if (driver.capabilities.freeze) await instances[0]!.freeze();
const report: MainReport = { instanceIds: instances.map(({ id }) => id), sleepers };
process.stdout.write(`${JSON.stringify(report)}\n`);
setInterval(() => {}, 1e6);
