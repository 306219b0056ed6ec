/** Run by egress.test.ts in namespaces of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import type { Logger } from "../../../base/base.ts";
import { eventually } from "../host-inventory.ts";
import { TestHome } from "../test-function.ts";
import { bringUpOutside, FAR, ip, NAME, OUTSIDE, PORT, useNameServer } from "./outside.ts";
import {
  assertDenied,
  closeDrivers,
  deniedTargets,
  listenOnHost,
  result,
  sceneDriver,
  startInstance,
  untilReached,
} from "./scene.ts";

const internetAccess = true;
const DNS = { nameServers: [OUTSIDE], searches: [], options: [] };
/** A table of somebody else's. */
const OTHERS = "table inet others {\n}\n";
const ruleset = () => execFileSync("nft", ["list", "tables"], { encoding: "utf8" });
const forwards = () => readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim();

describe("a way out by nat", () => {
  let home: TestHome;
  const closing: (() => void)[] = [];
  before(async () => {
    closing.push(await bringUpOutside());
    useNameServer(OUTSIDE);
    closing.push(await listenOnHost());
    execFileSync("nft", ["-f", "-"], { input: OTHERS });
    home = await TestHome.create();
    // A new namespace has what the machine has, where others may forward.
    writeFileSync("/proc/sys/net/ipv4/ip_forward", "0");
  });
  afterEach(async () => {
    await closeDrivers();
    assert.equal(ruleset(), "table inet others\n", "only its own table is taken back");
    assert.equal(forwards(), "0");
  });
  after(async () => {
    for (const close of closing) close();
    await home.remove();
  });

  test("the outside is reached, also by name; what is denied is not; stopping takes table and sysctl back", async () => {
    const said: unknown[] = [];
    const keep = (message: string, fields: unknown) => said.push({ message, fields });
    const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep };
    const driver = await sceneDriver({ egress: "nat" }, logger);
    const { dialogue } = await startInstance(driver, home, { internetAccess });
    const { dialogue: without } = await startInstance(driver, home, {});
    assert.match(
      JSON.stringify(said),
      /egress nat changes this host.*ip_forward \(was 0\).*inet sluice_\d+_forwarding/,
    );
    assert.equal(forwards(), "1");
    for (const host of [OUTSIDE, FAR]) await untilReached(dialogue, { by: "tcp", host, port: PORT });
    // From its other addresses the outside answers UDP as OUTSIDE, which is no answer to what was sent there.
    await untilReached(dialogue, { by: "udp", host: OUTSIDE, port: PORT });
    await untilReached(dialogue, { by: "tcp", host: NAME, port: PORT });
    const { dialogue: own } = await startInstance(driver, home, { internetAccess, dns: DNS });
    await untilReached(own, { by: "tcp", host: NAME, port: PORT });

    await assertDenied(dialogue, await deniedTargets(dialogue, without));
    const reachable = [OUTSIDE, FAR].map((host) => ({ by: "tcp" as const, host, port: PORT }));
    await assertDenied(without, [...(await deniedTargets(without, dialogue)), ...reachable]);
    await driver.close();
  });

  test("an address that the host gets later is never reached", async () => {
    const driver = await sceneDriver({ egress: "nat" });
    const { dialogue } = await startInstance(driver, home, { internetAccess });
    await untilReached(dialogue, { by: "tcp", host: FAR, port: PORT });
    const later = "198.51.100.78";
    ip([`addr add ${later}/32 dev lo`]);
    const answers: string[] = [];
    while (answers.at(-1) !== "ECONNREFUSED" && answers.length < 5) {
      answers.push(await result(dialogue, { by: "tcp", host: later, port: PORT }));
    }
    assert.equal(answers.at(-1), "ECONNREFUSED");
    assert.ok(!answers.includes("host"), answers.join());
    await driver.close();
  });

  test("SIGKILL of the spawner: its driver takes table and sysctl back", async () => {
    const driver = await sceneDriver({ egress: "nat" });
    const { instance } = await startInstance(driver, home, { internetAccess });
    process.kill(driver.spawnerPid!, "SIGKILL");
    await instance.exited;
    await driver.close();
  });

  test("two at once: the last that stops switches forwarding off; the next start finishes for a dead one", async () => {
    const [first, second] = [await sceneDriver({ egress: "nat" }), await sceneDriver({ egress: "nat" })];
    await first.close();
    assert.equal(forwards(), "1");
    await second.close();
    assert.equal(forwards(), "0");
    execFileSync("nft", ["add", "table", "inet", "sluice_4194304_forwarding"]);
    execFileSync("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
    const next = await sceneDriver({ egress: "none" });
    await eventually("the dead one's table is gone", () => !ruleset().includes("sluice"));
    await next.close();
  });
});
