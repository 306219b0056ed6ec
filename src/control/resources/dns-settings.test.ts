import assert from "node:assert/strict";
import { test } from "node:test";
import { customDNS, dnsOf } from "./dns-settings.ts";
import { checked } from "./validation.ts";

test("customDNS: lists as resolv.conf has them, nulls and empty ones are nothing", () => {
  const given = {
    nameServers: ["203.0.113.2", "2001:db8::2"],
    searches: ["example.com"],
    dnsOptions: [{ name: "ndots", value: "2" }, { name: "rotate" }],
  };
  assert.deepEqual(dnsOf(checked(customDNS, given)), {
    nameServers: given.nameServers,
    searches: given.searches,
    options: ["ndots:2", "rotate"],
  });
  assert.equal(dnsOf(checked(customDNS, { nameServers: null, searches: null, dnsOptions: null })), undefined);
  assert.equal(dnsOf(checked(customDNS, { nameServers: [], searches: [], dnsOptions: [] })), undefined);
  assert.equal(dnsOf(undefined), undefined);
});

test("customDNS: refuses what would be another line or no address, and names it", () => {
  for (const [given, message] of [
    [{ nameServers: ["dns.example"] }, /nameServers: expected a list of at most 10 IP addresses/],
    [{ nameServers: ["203.0.113.2\nsearch evil"] }, /nameServers/],
    [{ nameServers: Array.from({ length: 11 }, () => "203.0.113.2") }, /at most 10/],
    [{ searches: ["a b"] }, /searches: expected a list of at most 10 domain names/],
    [{ dnsOptions: [{ name: "a:b", value: "" }] }, /dnsOptions\.0\.name: expected the name of an option/],
    [{ dnsOptions: [{ name: "ndots", value: "1\n" }] }, /dnsOptions\.0\.value/],
  ] as const) {
    assert.throws(() => checked(customDNS, given), { message });
  }
});
