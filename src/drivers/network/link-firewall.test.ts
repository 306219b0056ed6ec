/** What a function reaches over its link: nothing that it asks for, while every call is answered. */
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { systemClock as clock } from "../../base/base.ts";
import type { Driver, DriverInstance } from "../driver.ts";
import { eventually } from "../testing/host-inventory.ts";
import { type Attempt, ownAddresses, reach, type Target } from "../testing/reach.ts";
import { isRoot, sandboxSkip, spawnerDriver } from "../testing/subjects.ts";
import { Dialogue, TestHome } from "../testing/test-function.ts";
import { linkFirewall, loadRules } from "./link-firewall.ts";

/** What a refusal by the kernel takes; a segment that is dropped in silence is tried again after a second. */
const QUICKLY_MS = 500;
const run = promisify(execFile);
const skip = sandboxSkip() || (isRoot ? false : "an ordinary user's instances have no link to the host");

function assertRefused(targets: readonly Target[], attempts: readonly Attempt[]): void {
  for (const [index, { result, tookMs }] of attempts.entries()) {
    const { by, host, port } = targets[index]!;
    const what = `${by} ${host} ${port}: ${result} after ${tookMs} ms`;
    assert.ok(["ECONNREFUSED", "EPERM", "ENETUNREACH", "EHOSTUNREACH"].includes(result), what);
    assert.ok(tookMs < QUICKLY_MS, what);
  }
}

/** The even address of a pair is the host's. */
function hostEndOf(instanceAddress: string): string {
  return instanceAddress.replace(/\d+$/, (last) => String(Number(last) - 1));
}

describe("a function's link to the host", { skip }, () => {
  let home: TestHome | undefined;
  let driver: Driver | undefined;
  let dialogue: Dialogue | undefined;
  let hostEnd = "";
  const listener = createServer((socket) => socket.on("error", () => {}).end("secret"));
  const listener6 = createServer((socket) => socket.on("error", () => {}).end("secret"));
  const udp = createSocket("udp4", (_, from) => udp.send("secret", from.port, from.address));
  let port = 0;
  let port6 = 0;
  const startOther = async (): Promise<[DriverInstance, Dialogue]> => {
    const instance = driver!.start(home!.spec());
    await instance.listening;
    return [instance, await Dialogue.open(instance)];
  };
  before(async () => {
    listener.listen(0, "0.0.0.0");
    listener6.listen(0, "::");
    await Promise.all([once(listener, "listening"), once(listener6, "listening")]);
    port = (listener.address() as AddressInfo).port;
    port6 = (listener6.address() as AddressInfo).port;
    udp.bind(port, "0.0.0.0");
    await once(udp, "listening");
    home = await TestHome.create();
    driver = await spawnerDriver("sandbox", () => {});
    [, dialogue] = await startOther();
    hostEnd = hostEndOf((await ownAddresses(dialogue))["eth0"]!);
  });
  after(async () => {
    listener.close();
    listener6.close();
    udp.close();
    await driver?.close();
    await home?.remove();
  });

  test("what listens on all addresses of the host is not reached, by none of its addresses, neither TCP nor UDP", async () => {
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const hosts = others.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
    assert.ok(hosts.includes(hostEnd), "the host has its end of the link");
    const targets = hosts.flatMap((host): Target[] => [
      { by: "tcp", host, port },
      { by: "tcp", host, port: port6 },
      { by: "udp", host, port },
    ]);
    assertRefused(targets, await reach(dialogue!, targets));
  });

  test("nor by IPv6 over the link", async () => {
    const [device] = Object.entries(networkInterfaces()).find(([, list]) =>
      list?.some(({ address }) => address === hostEnd),
    )!;
    // Flag 0x40 is an address that is still looked for on the link (RFC 4862 §5.4): nothing can be sent from it yet.
    const isReady = async (): Promise<boolean> => {
      const { out } = await dialogue!.ask({ do: "run", command: ["cat", "/proc/net/if_inet6"] });
      return /^fe80\S+ \S+ \S+ \S+ 80 +eth0$/m.test(String(out));
    };
    for (const startedAt = clock.nowMs(); !(await isReady()); ) assert.ok(clock.nowMs() - startedAt < 5_000);
    // The host's end has no such address of its own.
    execFileSync("ip", ["addr", "add", "fe80::5/64", "dev", device, "nodad"]);
    const targets: Target[] = [
      { by: "tcp", host: "fe80::5%eth0", port: port6 },
      { by: "udp", host: "fe80::5%eth0", port: port6 },
      { by: "udp", host: "ff02::1%eth0", port: port6 },
    ];
    assertRefused(targets, await reach(dialogue!, targets));
  });

  test("nor another instance", async () => {
    const [other, otherDialogue] = await startOther();
    const host = (await ownAddresses(otherDialogue))["eth0"]!;
    const targets: Target[] = [
      { by: "tcp", host, port: 9000 },
      { by: "tcp", host: hostEndOf(host), port },
      { by: "udp", host, port: 9000 },
    ];
    assertRefused(targets, await reach(dialogue!, targets));
    other.destroy();
    await other.exited;
  });

  test("its own loopback and its own address work as on any machine", async () => {
    const own = (await ownAddresses(dialogue!))["eth0"]!;
    const script = `const { createServer, connect } = require("node:net");
      const server = createServer((socket) => socket.end("ok")).listen(0, () => {
        const { port } = server.address(); let open = 3;
        for (const host of ["127.0.0.1", "::1", process.argv[1]]) connect(port, host).on("data", (data) => {
          process.stdout.write(String(data)); if (--open === 0) server.close(); }); })`;
    assert.equal((await dialogue!.ask({ do: "run", command: ["node", "-e", script, own] }))["out"], "okokok");
  });

  test("the function cannot see or change the rules", async () => {
    for (const command of [
      ["nft", "list", "ruleset"],
      ["nft", "flush", "ruleset"],
      ["unshare", "--user", "--map-root-user", "nft", "flush", "ruleset"],
    ]) {
      await dialogue!.ask({ do: "run", command });
    }
    const targets: Target[] = [{ by: "tcp", host: hostEnd, port }];
    assertRefused(targets, await reach(dialogue!, targets));
  });
});

describe("loadRules", { skip }, () => {
  test("the link's rules take effect in another process' namespace, and a rule that nft refuses is told", async (t) => {
    const holder = spawn("unshare", ["--net", "sh", "-c", "ip link set lo up; echo made; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    t.after(() => holder.kill("SIGKILL"));
    await once(holder.stdout, "data");
    const list = async (): Promise<string> =>
      (await run("nsenter", [`--net=/proc/${holder.pid}/ns/net`, "nft", "list", "ruleset"])).stdout;
    assert.equal(await list(), "");
    await assert.rejects(loadRules(holder.pid!, "table inet sluice { chain output { type nonsense } }\n"), /nonsense/);
    assert.equal(await list(), "");
    await loadRules(holder.pid!, linkFirewall({ interfaceName: "eth0", hostAddress: "10.201.0.0" }));
    assert.match(await list(), /ip daddr 10\.201\.0\.0/);
    holder.stdin.end();
    await eventually("it has ended", () => holder.exitCode !== null);
  });
});
