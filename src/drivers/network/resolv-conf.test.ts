import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNameServers, resolvConf } from "./resolv-conf.ts";

test("resolvConf: the way's servers, unless the function names its own", () => {
  assert.equal(resolvConf(undefined, ["169.254.2.3"]), "nameserver 169.254.2.3\n");
  const dns = { nameServers: [], searches: ["a.example", "b.example"], options: ["ndots:2", "rotate"] };
  assert.equal(
    resolvConf(dns, ["169.254.2.3"]),
    "nameserver 169.254.2.3\nsearch a.example b.example\noptions ndots:2 rotate\n",
  );
  const own = { nameServers: ["203.0.113.2", "2001:db8::2"], searches: [], options: [] };
  assert.equal(resolvConf(own, ["169.254.2.3"]), "nameserver 203.0.113.2\nnameserver 2001:db8::2\n");
});

test("parseNameServers: IPv4, and none on loopback", () => {
  const text = "# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver 2001:db8::2\nnameserver\t203.0.113.2\n";
  assert.deepEqual(parseNameServers(text), ["203.0.113.2"]);
});
