/** Run by egress.test.ts in namespaces of its own, once as root and once as an ordinary user. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../../base/base.ts";
import { isRunning } from "../../host/process-tree.ts";
import { readOrEmpty } from "../../host/read-or-none.ts";
import type { SpawnerDriver } from "../../spawner/spawner-driver.ts";
import { descendants, eventually, uidOf } from "../host-inventory.ts";
import { type Dialogue as Talk, TestHome } from "../test-function.ts";
import { bringUpOutside, FAR, FAR_6, HOST, NAME, OUTSIDE, OUTSIDE_6, PORT, PRIVATE, useNameServer } from "./outside.ts";
import { asRoot, becomeSceneUser, endRootShell, sceneUid } from "./root-shell.ts";
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

const DNS = { nameServers: [OUTSIDE], searches: ["example"], options: ["timeout:1"] };
const internetAccess = true;
const running = (program: string) =>
  descendants().filter((pid) => readOrEmpty(`/proc/${pid}/cmdline`).includes(program));
/** Those that run, but for `others`. */
const slirps = (others: readonly number[] = []) =>
  running("slirp4netns\0--exit-fd").filter((pid) => !others.includes(pid));

describe("a way out in user mode", () => {
  let home: TestHome;
  let driver: SpawnerDriver;
  let dialogue: Talk;
  let without: Talk;
  const closing: (() => void)[] = [];
  before(async () => {
    closing.push(await bringUpOutside());
    useNameServer(OUTSIDE);
    closing.push(await listenOnHost(), endRootShell);
    // A test has a name server here.
    writeFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    becomeSceneUser();
    home = await TestHome.create();
    driver = await sceneDriver({ egress: "user" });
    ({ dialogue } = await startInstance(driver, home, { internetAccess }));
    ({ dialogue: without } = await startInstance(driver, home, { dns: DNS }));
  });
  after(async () => {
    for (const close of closing) close();
    await closeDrivers();
    await home.remove();
  });

  test("with internetAccess the outside is reached: by address, TCP and UDP, IPv4 and IPv6, and by name", async () => {
    for (const host of [OUTSIDE, FAR, OUTSIDE_6, FAR_6]) {
      await untilReached(dialogue, { by: "tcp", host, port: PORT });
      await untilReached(dialogue, { by: "udp", host, port: PORT });
    }
    // By the name server of the host, through the forwarder.
    await untilReached(dialogue, { by: "tcp", host: NAME, port: PORT });
    assert.equal(await result(dialogue, { by: "tcp", host: "absent.example", port: PORT }), "ENOTFOUND");
  });

  test("customDNS: its servers, search list and options are in resolv.conf, and names are found", async () => {
    const { instance, dialogue: own } = await startInstance(driver, home, { internetAccess, dns: DNS });
    const { out } = await own.ask({ do: "run", command: ["cat", "/etc/resolv.conf"] });
    assert.equal(out, `nameserver ${OUTSIDE}\nsearch example\noptions timeout:1\n`);
    await untilReached(own, { by: "tcp", host: NAME, port: PORT });
    await untilReached(own, { by: "tcp", host: NAME.split(".")[0]!, port: PORT });
    instance.destroy();
    await instance.exited;
  });

  test("a name server on the host's loopback is asked through the forwarder, and is not reached itself", async () => {
    const stub = "127.0.0.53";
    const relay = createSocket("udp4").bind(53, stub);
    relay.on("message", (query, from) => {
      const asked = createSocket("udp4");
      asked.send(query, 53, OUTSIDE);
      asked.once("message", (answer) => asked.close(() => relay.send(answer, from.port, from.address)));
    });
    closing.push(() => relay.close());
    useNameServer(stub);
    const { instance, dialogue: own } = await startInstance(driver, home, { internetAccess });
    await untilReached(own, { by: "tcp", host: NAME, port: PORT });
    await assertDenied(own, [{ by: "tcp", host: "169.254.2.3", port: PORT }]);
    instance.destroy();
    await instance.exited;
    useNameServer(OUTSIDE);
  });

  test("what is denied is not reached, and refused at once", async () => {
    await untilReached(dialogue, { by: "tcp", host: FAR, port: PORT });
    await assertDenied(dialogue, await deniedTargets(dialogue, without));
  });

  test("an address that the host gets later is denied too", async () => {
    const later = "198.51.100.77";
    await asRoot(`ip addr add ${later}/32 dev lo`);
    const startedAt = systemClock.nowMs();
    let last = "";
    while (last !== "ECONNREFUSED" && systemClock.nowMs() - startedAt < 3_000) {
      last = await result(dialogue, { by: "tcp", host: later, port: PORT });
    }
    assert.equal(last, "ECONNREFUSED");
    const { instance, dialogue: fresh } = await startInstance(driver, home, { internetAccess });
    await untilReached(fresh, { by: "tcp", host: FAR, port: PORT });
    await assertDenied(fresh, [{ by: "tcp", host: later, port: PORT }]);
    instance.destroy();
    await instance.exited;
  });

  test("without internetAccess nothing is reached, and no name server is named", async () => {
    const targets = await deniedTargets(without, dialogue);
    const reachable = [OUTSIDE, FAR, OUTSIDE_6, FAR_6].map((host) => ({ by: "tcp" as const, host, port: PORT }));
    await assertDenied(without, [...targets, ...reachable]);
    const { out } = await without.ask({ do: "run", command: ["grep", "-c", "^nameserver", "/etc/resolv.conf"] });
    assert.equal(out, "0\n");
    assert.match(await result(without, { by: "tcp", host: NAME, port: PORT }), /^(EAI_AGAIN|ENOTFOUND)$/);
  });

  test("its process has no capability of the host's, few files, seccomp, as root a uid of its own; one for each instance", async () => {
    const { instance, dialogue: own } = await startInstance(driver, home, { internetAccess });
    await untilReached(own, { by: "tcp", host: FAR, port: PORT });
    assert.equal(slirps().length, 2);
    for (const pid of slirps()) {
      assert.equal(uidOf(pid), sceneUid ?? 210_000);
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      assert.match(status, /^Seccomp:\t2$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.notEqual(readFileSync(`/proc/${pid}/uid_map`, "utf8"), readFileSync("/proc/self/uid_map", "utf8"));
      // An ordinary user's sockets are in /run.
      if (sceneUid !== undefined) assert.deepEqual(readdirSync(`/proc/${pid}/root/run`), []);
    }
    instance.destroy();
    await instance.exited;
    await eventually("it ends with its instance", () => slirps().length === 1);
    // One that is killed is started again.
    process.kill(slirps()[0]!, "SIGKILL");
    await untilReached(dialogue, { by: "tcp", host: FAR, port: PORT });
  });

  test("egressDenied: what it does not name is reached, and what it names is not", async () => {
    const others = slirps();
    const other = await sceneDriver({ egress: "user", egressDenied: [`${FAR}/32`] });
    const { dialogue: own } = await startInstance(other, home, { internetAccess });
    await untilReached(own, { by: "tcp", host: PRIVATE, port: PORT });
    await assertDenied(own, [
      { by: "tcp", host: FAR, port: PORT },
      { by: "tcp", host: HOST, port: PORT },
      { by: "tcp", host: "169.254.169.254", port: PORT },
    ]);
    const mine = slirps(others);
    await other.close();
    assert.equal(mine.length, 1);
    assert.ok(!mine.some(isRunning), "it ends with the driver");
  });

  test("SIGKILL of the spawner: no process of a way out stays", async () => {
    const others = running("");
    const other = await sceneDriver({ egress: "user" });
    const { instance, dialogue: own } = await startInstance(other, home, { internetAccess });
    await untilReached(own, { by: "tcp", host: FAR, port: PORT });
    const mine = running("").filter((pid) => !others.includes(pid));
    assert.equal(mine.filter((pid) => slirps().includes(pid)).length, 1);
    process.kill(other.spawnerPid!, "SIGKILL");
    await instance.exited;
    await eventually("all has ended", () => !mine.some(isRunning));
    await other.close();
  });

  const afterOutside = async (): Promise<void> => {
    await untilReached(dialogue, { by: "tcp", host: FAR, port: PORT });
    const [outside, ...further] = running("outside-main");
    assert.deepEqual(further, []);
    const before = slirps();
    process.kill(outside!, "SIGKILL");
    await eventually("what it has started ends with it", () => !before.some(isRunning));
    await untilReached(dialogue, { by: "tcp", host: FAR, port: PORT });
    assert.notDeepEqual(running("outside-main"), [outside]);
    assert.equal(slirps().length, 1);
  };
  // As root there is none.
  if (sceneUid !== undefined) {
    test("SIGKILL of the process outside: another takes its place, and the way out is there again", afterOutside);
  }
});
