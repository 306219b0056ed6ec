import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import { systemClock as clock } from "../../base/base.ts";
import { openNetworkOwner } from "../network/network-owner.ts";
import { descendants, eventually } from "../testing/host-inventory.ts";
import { rootSandboxSkip } from "../testing/subjects.ts";
import { NetworkMaker, type NewNetwork } from "./new-network.ts";

const ENTRIES = "/proc/sys/net/ipv4/tcp_ehash_entries";

/** What a shell command says that runs in it as a parked shell does. */
function said({ within, namespaces }: NewNetwork, command: string): string {
  const [program = "", ...rest] = [...within, "unshare", ...namespaces, "/bin/sh", "-c", command];
  return execFileSync(program, rest, { encoding: "utf8" }).trim();
}

for (const kind of ["without an owner", "of a user namespace"] as const) {
  test(`networks ${kind}: each its own, with few entries for connections, and gone once closed`, {
    skip: rootSandboxSkip(),
  }, async () => {
    const owner = kind === "without an owner" ? undefined : await openNetworkOwner(200_000, clock);
    const maker = await NetworkMaker.open(owner, clock);
    const networks = await Promise.all([maker.make(), maker.make()]);
    const names = networks.map((network) => said(network, "readlink /proc/self/ns/net"));
    assert.equal(new Set([...names, `net:[${statSync("/proc/self/ns/net").ino}]`]).size, 3);
    for (const network of networks) {
      if (existsSync(ENTRIES)) assert.equal(said(network, `cat ${ENTRIES}`), "8192");
      // In it nothing but its own loopback device, which is down.
      assert.match(said(network, "ip -oneline link"), /^1: lo: <LOOPBACK> [^\n]*$/);
      network.close();
    }
    if (owner !== undefined) {
      const folder = networks[0].within[1]!.slice("--net=".length).replace(/\/[^/]*$/, "");
      await eventually("their names are taken away", () => readdirSync(folder).length === 0);
    }
    assert.ok(!existsSync("/run/netns/n0"), "nothing of it is seen on the host");
    maker.close();
    owner?.close();
    await eventually("nothing is left", () => descendants().length === 0);
  });
}
