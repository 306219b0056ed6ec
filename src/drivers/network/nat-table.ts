/**
 * The one nftables table that a Sluice has on the host while it translates addresses (nft(8)). Its name says all that is
 * needed to take it back: whose it is, and whether the host forwarded packets before.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { findTool, TOOL_PATH } from "../host/find-tool.ts";
import { signal } from "../host/process-tree.ts";
import { deniedSet4 } from "./egress-rules.ts";

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
/** The host's ends of all links are called so. */
const LINKS = '"sluice*"';

export interface NatTable {
  readonly name: string;
  /** Process whose end makes it garbage. */
  readonly pid: number;
  /** The host did not forward packets before the first of them came. */
  readonly switchedForwarding: boolean;
}

/** `inet sluice_PID_forwarding` where it was switched on, `inet sluice_PID` else. */
function natTable(pid: number, switchedForwarding: boolean): NatTable {
  return { name: `inet sluice_${pid}${switchedForwarding ? "_forwarding" : ""}`, pid, switchedForwarding };
}

/** From what `nft list tables` prints. */
export function parseNatTables(text: string): NatTable[] {
  return [...text.matchAll(/^table inet sluice_(\d+)(_forwarding)?$/gm)].map(([, pid, switched]) =>
    natTable(Number(pid), switched !== undefined),
  );
}

export interface NatRulesPlan {
  readonly table: string;
  readonly nameServers: readonly string[];
  /** Networks, as ADDRESS/BITS, beside those that are always denied. */
  readonly denied: readonly string[];
}

/**
 * Toward the host only segments pass that open no connection, and none of the calls' is tracked (`notrack`). Through the
 * host go what instances have begun and the answers to it, IPv4 alone: to forward IPv6, Linux would stop to take its own
 * address and routes from router advertisements (kernel: networking/ip-sysctl, accept_ra).
 */
export function natRules({ table, nameServers, denied }: NatRulesPlan): string {
  const servers = nameServers.map(
    (server) => `    iifname ${LINKS} ip daddr ${server} meta l4proto { tcp, udp } th dport 53 accept\n`,
  );
  return `table ${table} {
  set denied {
    type ipv4_addr; flags interval; auto-merge;
    elements = { ${deniedSet4(denied)} }
  }
  chain untracked_in {
    type filter hook prerouting priority raw; policy accept;
    iifname ${LINKS} fib daddr type local notrack
  }
  chain untracked_out {
    type filter hook output priority raw; policy accept;
    oifname ${LINKS} notrack
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname ${LINKS} tcp flags & (syn | ack) != syn accept
    iifname ${LINKS} drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
${servers.join("")}    iifname ${LINKS} ip daddr @denied drop
    iifname ${LINKS} meta nfproto != ipv4 drop
    oifname ${LINKS} ct state != { established, related } drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    iifname ${LINKS} oifname != ${LINKS} masquerade
  }
}
`;
}

/** Makes the table of this process and lets the host forward. Rejects, with nothing changed, with what nft says. */
export async function addNatTable(rules: Omit<NatRulesPlan, "table">): Promise<NatTable> {
  const others = await natTables();
  const switches = !isForwarding() || others.some(({ switchedForwarding }) => switchedForwarding);
  const table = natTable(process.pid, switches);
  await nft(["-f", "-"], natRules({ ...rules, table: table.name }));
  writeFileSync(FORWARDING, "1");
  return table;
}

/** Takes a table back, and with the last one the host's forwarding where it was off before. */
export async function removeNatTable(table: NatTable): Promise<void> {
  await nft(["delete", "table", ...table.name.split(" ")]);
  const others = await natTables();
  if (table.switchedForwarding && others.length === 0) writeFileSync(FORWARDING, "0");
}

/** Tables of processes that no longer run; none where nft is missing. */
export async function deadNatTables(): Promise<NatTable[]> {
  if (findTool("nft") === undefined) return [];
  return (await natTables()).filter(({ pid }) => !signal(pid, 0));
}

/** Takes back the tables of processes that no longer run. Resolves to their number. */
export async function sweepNatTables(): Promise<number> {
  const dead = await deadNatTables();
  for (const table of dead) await removeNatTable(table);
  return dead.length;
}

async function natTables(): Promise<NatTable[]> {
  return parseNatTables(await nft(["list", "tables"]));
}

function isForwarding(): boolean {
  return readFileSync(FORWARDING, "utf8").trim() === "1";
}

function nft(args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("nft", args, { env: { PATH: TOOL_PATH } }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`nft ${args.join(" ")}: ${stderr.trim() || error.message}`));
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
