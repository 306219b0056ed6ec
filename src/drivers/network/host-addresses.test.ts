import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNetworkRange, hasDefaultRoute6, localNetworks4, localNetworks6 } from "./host-addresses.ts";

test("localNetworks4: what is local or broadcast in /proc/net/fib_trie, ranges too, and no other route", () => {
  const trie = [
    "Main:",
    "  +-- 0.0.0.0/0 3 0 5",
    "     |-- 0.0.0.0",
    "        /0 universe UNICAST",
    "     |-- 192.0.2.0",
    "        /24 link UNICAST",
    "        /32 link BROADCAST",
    "     |-- 192.0.2.7",
    "        /32 host LOCAL",
    "     |-- 198.51.100.0",
    "        /24 host LOCAL",
  ].join("\n");
  assert.deepEqual(localNetworks4(trie), ["192.0.2.0/32", "192.0.2.7/32", "198.51.100.0/24"]);
});

test("localNetworks6, hasDefaultRoute6: from /proc/net/ipv6_route", () => {
  const zeros = "0".repeat(32);
  const line = (address: string, bits: string, flags: string, device: string) =>
    `${address} ${bits} ${zeros} 00 ${zeros} 00000100 00000001 00000000 ${flags}     ${device}`;
  const own = line("20010db8000000000000000000000007", "80", "80200001", "lo");
  const unreachable = line(zeros, "00", "00200200", "lo");
  const subnet = line("20010db8000000000000000000000000", "40", "00000001", "eth0");
  assert.deepEqual(localNetworks6([own, unreachable, subnet, ""].join("\n")), [
    "2001:0db8:0000:0000:0000:0000:0000:0007/128",
  ]);
  assert.equal(hasDefaultRoute6([own, unreachable, subnet].join("\n")), false);
  assert.equal(hasDefaultRoute6([unreachable, line(zeros, "00", "00000003", "eth0")].join("\n")), true);
});

test("checkNetworkRange: takes both families, and names what is no range", () => {
  for (const range of ["10.0.0.0/8", "203.0.113.7/32", "fc00::/7", "::/0"]) checkNetworkRange(range);
  for (const range of ["10.0.0.0", "10.0.0.0/33", "fc00::/129", "10.0.0/8", "all", "", "10.0.0.0/8; flush ruleset"]) {
    assert.throws(() => checkNetworkRange(range), { message: /expected a range of addresses such as/ });
  }
});
