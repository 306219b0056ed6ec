/** What the scenes of ways out have in common: a driver, an instance with access and one without, and what both reach. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { type Logger, silentLogger, systemClock } from "../../../base/base.ts";
import { type DriverConfiguration, resolveDriverConfiguration } from "../../configuration.ts";
import type { DriverInstance, StartSpec } from "../../driver.ts";
import { SpawnerDriver } from "../../spawner/spawner-driver.ts";
import { ownAddresses, reach, type Target } from "../reach.ts";
import { spawnerSetup } from "../subjects.ts";
import { Dialogue, type TestHome } from "../test-function.ts";
import { DENIED, DENIED_6, HOST, HOST_6, PORT, PRIVATE } from "./outside.ts";

const drivers = new Set<SpawnerDriver>();

export async function sceneDriver(
  changes: Partial<DriverConfiguration>,
  logger: Logger = silentLogger,
  name: "sandbox" | "container" = "sandbox",
): Promise<SpawnerDriver> {
  const configuration = resolveDriverConfiguration({ networkPoolSize: 2, ...changes });
  const setup = { ...spawnerSetup(name), configuration };
  const driver = await SpawnerDriver.open({ setup, output: () => {}, logger });
  drivers.add(driver);
  return driver;
}

/** Closes every driver, also when the test that opened it has failed: else no scene would come to its end. */
export async function closeDrivers(): Promise<void> {
  await Promise.all([...drivers].map((driver) => driver.close()));
  drivers.clear();
}

export async function startInstance(
  driver: SpawnerDriver,
  home: TestHome,
  changes: Partial<StartSpec>,
): Promise<{ instance: DriverInstance; dialogue: Dialogue }> {
  const instance = driver.start(home.spec(changes));
  await instance.listening;
  return { instance, dialogue: await Dialogue.open(instance) };
}

export async function result(dialogue: Dialogue, target: Target): Promise<string> {
  return (await reach(dialogue, [target]))[0]!.result;
}

/** Asks until the answer comes: nobody waits for a way out to be there. */
export async function untilReached(dialogue: Dialogue, target: Target, answer = "outside"): Promise<void> {
  const startedAt = systemClock.nowMs();
  for (let last = ""; last !== answer; ) {
    last = await result(dialogue, target);
    assert.ok(last === answer || systemClock.nowMs() - startedAt < 5_000, `${JSON.stringify(target)}: ${last}`);
  }
}

/** Listeners on all addresses of the host, which answer `host`. */
export async function listenOnHost(): Promise<() => void> {
  const tcp = createServer((socket) => socket.on("error", () => {}).end("host")).listen(PORT, "::");
  const udp = createSocket({ type: "udp6" }, (_, from) => udp.send("host", from.port, from.address)).bind(PORT, "::");
  await Promise.all([once(tcp, "listening"), once(udp, "listening")]);
  return () => {
    tcp.close();
    udp.close();
  };
}

/** Every one that is denied always, and by default, as seen from an instance. */
export async function deniedTargets(dialogue: Dialogue, other: Dialogue): Promise<Target[]> {
  const own = (await ownAddresses(dialogue))["eth0"]!;
  const hostEnd = own.replace(/\d+$/, (last) => String(Number(last) - 1));
  const hosts = [HOST, HOST_6, hostEnd, "169.254.2.2", "fd00::2", "fe80::2%egress0", PRIVATE, ...DENIED, ...DENIED_6];
  const otherAddress = (await ownAddresses(other))["eth0"]!;
  return [
    ...hosts.flatMap((host): Target[] => [
      { by: "tcp", host, port: PORT },
      { by: "udp", host, port: PORT },
    ]),
    { by: "tcp", host: otherAddress, port: 9000 },
    { by: "udp", host: "255.255.255.255", port: PORT },
    { by: "udp", host: "224.0.0.1", port: PORT },
  ];
}

export async function assertDenied(dialogue: Dialogue, targets: readonly Target[]): Promise<void> {
  const attempts = await reach(dialogue, targets);
  for (const [index, attempt] of attempts.entries()) {
    const what = `${JSON.stringify(targets[index])}: ${attempt.result} after ${attempt.tookMs} ms`;
    assert.match(
      attempt.result,
      /^(ECONNREFUSED|EPERM|EACCES|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EINVAL|ENODEV)$/,
      what,
    );
    assert.ok(attempt.tookMs < 700, what);
  }
}
