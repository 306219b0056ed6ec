/**
 * What may leave an instance over its link to the gateway: answers to connections that the host has opened, and nothing
 * else. Filtered inside the instance's own network namespace, where a function, which has no capability there, cannot
 * change it and where the host's own firewall is not touched. It holds no state: a connection is opened by a TCP segment
 * with SYN and without ACK (RFC 9293 §3.5), so that a call costs the look at two flags (nft(8), "TCP header expression").
 */
import { execFile } from "node:child_process";
import { TOOL_PATH } from "../host/find-tool.ts";

/** The instance's end of a link. */
export interface FilteredLink {
  /** Name of the interface inside of the namespace. */
  readonly interfaceName: string;
  /** IPv4 address of the host's end. */
  readonly hostAddress: string;
}

/**
 * Rules for `nft -f`, for a namespace that has none yet. Over interfaces other than `lo` nothing leaves but the answers;
 * whoever adds a way out appends to the chain EGRESS_CHAIN what may take it. What may not leave is refused at once, so
 * that no program waits for a timeout: TCP by a reset (ECONNREFUSED), all else, and IPv6, at the sender (EPERM).
 */
export function linkFirewall({ interfaceName, hostAddress }: FilteredLink): string {
  return `table ${FIREWALL_TABLE} {
  chain ${EGRESS_CHAIN} {
  }
  chain output {
    type filter hook output priority filter; policy drop;
    oifname "lo" accept
    oifname "${interfaceName}" ip daddr ${hostAddress} tcp flags & (syn | ack) != syn accept
    jump ${EGRESS_CHAIN}
    meta l4proto tcp reject with tcp reset
  }
}
`;
}

export const FIREWALL_TABLE = "inet sluice";
export const EGRESS_CHAIN = "egress";

/** Loads rules in the network namespace of process `pid`, all or none. Rejects with what nft(8) says. */
export function loadRules(pid: number, rules: string): Promise<void> {
  return runInNamespace(pid, ["nft", "-f", "-"], rules);
}

/** Runs a command in the network namespace of process `pid`, with `input` to read. Rejects with what it says. */
export function runInNamespace(pid: number, command: readonly string[], input: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [`--net=/proc/${pid}/ns/net`, ...command];
    const child = execFile("nsenter", args, { env: { PATH: TOOL_PATH } }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`the network of an instance cannot be set up: ${stderr.trim() || error.message}`));
    });
    // A program that has ended before it read tells why in its exit.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
