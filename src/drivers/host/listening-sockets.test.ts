import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { listeningSockets, parseListeningRow, socketCounts, socketInodes } from "./listening-sockets.ts";

const row = (local: string, state: string) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0`;

test("parseListeningRow: addresses of both families, port and inode", () => {
  const parse = (local: string) => parseListeningRow(row(local, "0A"));
  assert.deepEqual(parse("00000000:2328"), { address: "0.0.0.0", port: 9000, inode: 4711 });
  assert.equal(parse("0100007F:0050")?.address, "127.0.0.1");
  assert.equal(parse(`${"0".repeat(32)}:2328`)?.address, "::");
  assert.equal(parse(`${"0".repeat(24)}01000000:2328`)?.address, "::1");
  assert.equal(parse("0000000000000000FFFF00000100007F:2328")?.address, "127.0.0.1");
  assert.equal(parse("000080FE00000000FF005450CD0C00FE:2328")?.address, "fe80:0000:0000:0000:5054:00ff:fe00:0ccd");
});

test("parseListeningRow: other states are none", () => {
  assert.equal(parseListeningRow(row("00000000:2328", "01")), undefined);
  assert.equal(parseListeningRow("  sl  local_address rem_address   st"), undefined);
});

test("listeningSockets: finds a socket of this process and its inode", {
  skip: process.platform !== "linux",
}, async () => {
  const before = socketCounts("self");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const found = listeningSockets("self").find((socket) => socket.port === port);
  assert.equal(found?.address, "127.0.0.1");
  assert.ok(socketInodes([process.pid]).has(found!.inode));
  assert.ok(socketCounts("self").ipv4 > 0 && before.ipv4 >= 0);
  server.close();
  assert.deepEqual(listeningSockets(2 ** 30), []);
});
