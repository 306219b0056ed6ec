/**
 * What the life of a sandbox costs: CPU time of the spawner's code, which runs in this process, and of everything it starts,
 * for a Go server that is started, listens and is ended. Run as root. `perf stat -e task-clock` around it also counts what
 * nobody waits for; compare two versions in turn. Processes are those of the whole machine: count them on a quiet one.
 * Arguments: instances, how many start at once, a configuration of drivers as JSON.
 */
import { readFileSync } from "node:fs";
import { systemClock as clock, silentLogger as logger } from "../src/base/base.ts";
import { treeName } from "../src/drivers/cgroup/cgroup.ts";
import { resolveDriverConfiguration } from "../src/drivers/configuration.ts";
import { LocalDriver } from "../src/drivers/local/local-driver.ts";
import type { LocalInstance } from "../src/drivers/local/local-instance.ts";
import { createLauncher } from "../src/drivers/spawner/create-launcher.ts";
import { scratchFolder } from "../src/drivers/testing/subjects.ts";
import { functionKey, newInstanceId } from "../src/model/model.ts";
import { folderOf } from "../test/support/clients.ts";
import { programs } from "./lib/plain-function.ts";

const wanted = Number(process.argv[2] ?? 60);
const atOnce = Number(process.argv[3] ?? 4);
const configuration = resolveDriverConfiguration({ networkPoolSize: 4, ...JSON.parse(process.argv[4] ?? "{}") });
/** Of times in /proc/PID/stat (USER_HZ). */
const MS_PER_TICK = 10;

const setup = {
  driver: "sandbox",
  configuration,
  nodePath: process.execPath,
  scratchFolder: scratchFolder(),
  cgroupTreeName: treeName(process.pid),
  sweeps: true,
  useNamespaces: true,
  inUserNamespace: false,
} as const;
const launcher = await createLauncher(setup, clock, logger);
const driver = new LocalDriver({ launcher, clock, output: () => {}, configuration });
const codeDir = folderOf((await programs()).plain);

const before = spent();
const startedAt = performance.now();
const instances: LocalInstance[] = [];
const waits: number[] = [];
await Promise.all(Array.from({ length: atOnce }, startOneAfterTheOther));
const seconds = (performance.now() - startedAt) / 1000;
for (const instance of instances) instance.destroy();
await driver.close();
const after = spent();
waits.sort((left, right) => left - right);
console.log({
  instances: wanted,
  "seconds until all listen": seconds.toFixed(2),
  "p50 ms to listening": waits[wanted >> 1]?.toFixed(1),
  "spawner's CPU ms each": ((after.ownMs - before.ownMs) / wanted).toFixed(1),
  "children's CPU ms each": ((after.childrenMs - before.childrenMs) / wanted).toFixed(1),
  "processes and threads each": ((after.forks - before.forks) / wanted).toFixed(1),
});

async function startOneAfterTheOther(): Promise<void> {
  while (instances.length < wanted) {
    const askedAt = performance.now();
    const instance = driver.start({
      instanceId: newInstanceId(),
      function: functionKey("bench", "plain"),
      codeDir,
      command: ["./plain"],
      hasCommand: true,
      environment: {},
      caPort: 9000,
      memoryMb: 128,
      diskMb: 512,
      internetAccess: true,
      startLimitMs: 60_000,
    });
    instances.push(instance);
    await instance.listening;
    waits.push(performance.now() - askedAt);
  }
}

/** proc(5): fields 14 to 17 of /proc/PID/stat, and the count of forks since boot in /proc/stat. */
function spent(): { ownMs: number; childrenMs: number; forks: number } {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ").map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    ownMs: (user + system) * MS_PER_TICK,
    childrenMs: (childrenUser + childrenSystem) * MS_PER_TICK,
    forks: Number(/^processes (\d+)/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]),
  };
}
