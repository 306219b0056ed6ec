/**
 * A host of the test's own, and another outside of it: this process must already be in network and mount namespaces that
 * were made for it (run-scene.ts). The outside has documentation addresses (RFC 5737, RFC 3849), and answers also at
 * those that functions must not reach: what is not reached there is denied, not absent.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const HOST = "203.0.113.1";
export const HOST_6 = "2001:db8::1";
export const OUTSIDE = "203.0.113.2";
export const OUTSIDE_6 = "2001:db8::2";
/** Another that leads there by the default route. */
export const FAR = "198.51.100.7";
export const FAR_6 = "2001:db8:1::7";
export const PRIVATE = "10.99.0.2";
/** Of metadata services (AWS and others, Alibaba Cloud, AWS over IPv6), private, and reserved ones. */
export const DENIED = ["169.254.169.254", "100.100.100.200", "192.168.7.7", "172.20.0.7", "100.64.0.7"];
export const DENIED_6 = ["fd00:ec2::254", "fd12:3456::7", "2002:cb00:7102::7"];
export const NAME = "outside.example";
/** TCP and UDP that answer `outside`. */
export const PORT = 7;

/** DNS (RFC 1035 §4.1): answers one question, A and AAAA of NAME; all other names do not exist. */
const PROGRAM = `
const { createServer } = require("node:net");
const { createSocket } = require("node:dgram");
const tcp = createServer((socket) => socket.on("error", () => {}).end("outside"));
const udp = (type) => { const socket = createSocket({ type, ipv6Only: type === "udp6" });
  socket.on("message", (_, from) => socket.send("outside", from.port, from.address)).bind(${PORT}); };
const dns = createSocket("udp4");
const name = Buffer.concat("${NAME}".split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])));
dns.on("message", (query, from) => {
  const end = query.indexOf(0, 12) + 5;
  const question = query.subarray(12, end);
  const isKnown = question.subarray(0, name.length).equals(name);
  const type = question.readUInt16BE(question.length - 4);
  const data = { 1: Buffer.from([203, 0, 113, 2]), 28: Buffer.from("20010db8000000000000000000000002", "hex") }[type];
  const answer = isKnown && data ? [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, data.length, ...data] : [];
  const head = Buffer.from([0x84, isKnown ? 0 : 3, 0, 1, 0, answer.length ? 1 : 0, 0, 0, 0, 0]);
  dns.send(Buffer.concat([query.subarray(0, 2), head, question, Buffer.from(answer)]), from.port, from.address);
}).bind(53);
udp("udp4"); udp("udp6");
tcp.listen(${PORT}, "::", () => console.log("listening"));
process.stdin.resume().on("end", () => process.exit(0));
`;

/** Brings both up. The outside ends with this process, or when what is returned is called. */
export async function bringUpOutside(): Promise<() => void> {
  const outside = spawn("unshare", ["--net", process.execPath, "-e", PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  await once(outside.stdout, "data");
  ip([
    "link set lo up",
    `link add outside0 type veth peer name eth0 netns ${outside.pid}`,
    `addr add ${HOST}/30 dev outside0`,
    `addr add ${HOST_6}/64 dev outside0 nodad`,
    "link set outside0 up",
  ]);
  const addresses = [FAR, PRIVATE, ...DENIED].map((address) => `addr add ${address}/32 dev lo`);
  const addresses6 = [FAR_6, ...DENIED_6].map((address) => `addr add ${address}/128 dev lo nodad`);
  ip(
    [
      "link set lo up",
      `addr add ${OUTSIDE}/30 dev eth0`,
      `addr add ${OUTSIDE_6}/64 dev eth0 nodad`,
      "link set eth0 up",
      ...addresses,
      ...addresses6,
    ],
    ["nsenter", `--net=/proc/${outside.pid}/ns/net`],
  );
  ip([`route add default via ${OUTSIDE}`, `route add default via ${OUTSIDE_6}`]);
  return () => {
    outside.stdin.end();
    outside.stdout.destroy();
  };
}

let hasOwnResolvConf = false;

/** Names the server of this process' own view of /etc/resolv.conf. */
export function useNameServer(server: string): void {
  const text = `nameserver ${server}\n`;
  if (hasOwnResolvConf) {
    writeFileSync("/etc/resolv.conf", text);
    return;
  }
  hasOwnResolvConf = true;
  const file = join(tmpdir(), `sluice-scene-resolv-${process.pid}`);
  writeFileSync(file, text);
  chmodSync(file, 0o666);
  execFileSync("mount", ["--bind", file, "/etc/resolv.conf"]);
  rmSync(file);
}

export function ip(commands: readonly string[], within: readonly string[] = []): void {
  const [program = "", ...rest] = [...within, "ip", "-batch", "-"];
  execFileSync(program, rest, { input: `${commands.join("\n")}\n` });
}
