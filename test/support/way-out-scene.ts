/** Run by way-out.test.ts on a host of its own, as root: `sluice start --egress`, and customDNS of an s.yaml. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bringUpOutside, HOST, NAME, OUTSIDE, PORT, useNameServer } from "../../src/drivers/testing/network/outside.ts";
import { listenOnHost } from "../../src/drivers/testing/network/scene.ts";
import { OrdinaryUser } from "../../src/drivers/testing/ordinary-user.ts";
import type { DoctorReport } from "../../src/server/server.ts";
import { callOnce, folderOf, testPrograms } from "./clients.ts";
import { eventually, type Info, Sluice } from "./sluice.ts";

/** Nobody has it: who asks the host's name server gets no answer. */
const SILENT = "203.0.113.3";
const customDNS = {
  nameServers: [OUTSIDE],
  searches: ["example"],
  dnsOptions: [
    { name: "timeout", value: "1" },
    { name: "attempts", value: "1" },
  ],
};

describe("a way out through a server", () => {
  const closing: (() => unknown)[] = [];
  before(async () => {
    closing.push(await bringUpOutside());
    closing.push(await listenOnHost());
    useNameServer(SILENT);
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  const newUser = async (mayOpenTun: boolean): Promise<OrdinaryUser> => {
    const user = await OrdinaryUser.create({ mayOpenTun });
    closing.push(() => user.remove());
    return user;
  };
  const start = async (egress: string, user?: OrdinaryUser): Promise<Sluice> => {
    const sluice = await Sluice.start({
      isolation: "sandbox",
      args: ["--egress", egress],
      ...(user && { as: user }),
    });
    closing.push(() => sluice.stop());
    return sluice;
  };
  const deploy = async (sluice: Sluice): Promise<(name: string) => Info> => {
    const { go } = await testPrograms();
    const common = { codeUri: folderOf(go.hostile), internetAccess: true };
    const customRuntimeConfig = { command: ["./hostile"] };
    const infos = await sluice.deployAll([
      { ...common, name: "own", function: { customRuntimeConfig, customDNS } },
      { ...common, name: "usual", function: { customRuntimeConfig } },
    ]);
    return (name) => infos.get(name)!;
  };
  const run = async (sluice: Sluice, info: Info, script: string): Promise<string> => {
    const report = await callOnce(sluice, info, { payload: script });
    assert.equal(report.code, "OK", report.message);
    return decodeURIComponent((report.trailers?.["x-output"]?.[0] ?? "").replaceAll("+", " "));
  };
  const greeting = (sluice: Sluice, info: Info, host: string) =>
    run(
      sluice,
      info,
      `python3 -c 'import socket; print(socket.create_connection(("${host}", ${PORT}), 3).recv(9).decode())' 2>&1`,
    );

  for (const isRoot of [true, false]) {
    test(`--egress user, as ${isRoot ? "root" : "an ordinary user"}: customDNS finds names, and the host stays denied`, async () => {
      const sluice = await start("user", isRoot ? undefined : await newUser(true));
      const of = await deploy(sluice);
      const resolv = await run(sluice, of("own"), "cat /etc/resolv.conf");
      assert.equal(resolv, `nameserver ${OUTSIDE}\nsearch example\noptions timeout:1 attempts:1\n`);
      for (const host of [NAME, NAME.split(".")[0]!]) {
        await eventually(`${host} is reached`, async () => (await greeting(sluice, of("own"), host)) === "outside\n");
      }
      assert.equal(await greeting(sluice, of("usual"), OUTSIDE), "outside\n");
      assert.match(await greeting(sluice, of("usual"), NAME), /gaierror/);
      assert.match(await greeting(sluice, of("usual"), HOST), /Connection refused|PermissionError/);
    });
  }

  test("--egress none: nothing is reached, and no name server is named", async () => {
    const sluice = await start("none");
    const of = await deploy(sluice);
    assert.match(await greeting(sluice, of("usual"), OUTSIDE), /Network is unreachable|Connection refused/);
    assert.doesNotMatch(await run(sluice, of("own"), "cat /etc/resolv.conf"), /^nameserver/m);
  });

  test("what cannot be had is a start that fails, in one line that says what to do; auto starts and says it, and doctor too", async () => {
    const user = await newUser(false);
    const refused = async (egress: string): Promise<string> => {
      const failure = await start(egress, user).then(
        () => "it started",
        (error: Error) => error.message,
      );
      const lines = failure.split("\n").filter((line) => line.includes("egress"));
      assert.equal(lines.length, 1, failure);
      return lines[0]!;
    };
    assert.match(
      await refused("user"),
      /^sluice: egress user, .* cannot be had here: only root may open \/dev\/net\/tun \(to get it: chmod 666 \/dev\/net\/tun, as root; without it: egress none\)$/,
    );
    assert.match(await refused("nat"), /^sluice: egress nat, .*: only root may change .* start Sluice as root/);
    const sluice = await start("auto", user);
    assert.match(sluice.output, /no way out to the network.*only root may open/);
    const { stdout } = await user.node(["bin/sluice.js", "doctor", "--json"], 60_000);
    const { isolations } = JSON.parse(stdout) as DoctorReport;
    const sandbox = isolations.find(({ name }) => name === "sandbox");
    const row = sandbox?.features.find(({ name }) => name.startsWith("a way out"));
    assert.deepEqual([row?.works, row?.remedy], [false, "chmod 666 /dev/net/tun, as root"]);
  });
});
