import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, portOfUrl, resolvesToThisMachine } from "./grpc-address.ts";

test("portOfUrl gives the URL's port, or Function Compute's where there is none", () => {
  assert.deepEqual([portOfUrl("https://h:1234"), portOfUrl("https://h")], [1234, 8089]);
});

test("isLoopback knows loopback addresses in every spelling", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"]) assert.ok(isLoopback(host), host);
  for (const host of ["10.0.0.1", "128.0.0.1", "127.example.com", "::2", "0.0.0.0"]) assert.ok(!isLoopback(host), host);
});

test("resolvesToThisMachine holds for loopback and not for other machines or names that do not resolve", async () => {
  assert.equal(await resolvesToThisMachine("127.0.0.1"), true);
  // TEST-NET-1 and a name that never resolves (RFC 5737, RFC 6761).
  assert.equal(await resolvesToThisMachine("192.0.2.1"), false);
  assert.equal(await resolvesToThisMachine("nothing.invalid"), false);
});
