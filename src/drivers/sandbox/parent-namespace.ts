/**
 * The network namespace in which those of instances are made, so that each has a small table of TCP connections of its
 * own (kernel: networking/ip-sysctl, tcp_child_ehash_entries; Linux 6.1). Without it all share the machine's table, and
 * to read which sockets listen in one of them the kernel walks the whole of it, over a millisecond each time, as it does
 * when a namespace ends.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../../base/base.ts";
import { type HeldNamespace, holdNamespace } from "../network/held-namespace.ts";

const SETTING = "/proc/sys/net/ipv4/tcp_child_ehash_entries";
/** At most half as many connections of an instance are remembered after their end (TIME_WAIT). 64 KiB. */
const CONNECTIONS = 8192;

/** Shell command for the namespace in which others are made; succeeds also where the kernel has no such setting. */
export const SMALL_TABLES = `{ [ ! -e ${SETTING} ] || echo ${CONNECTIONS} >${SETTING} || :; }`;

/** Undefined where the kernel has no such setting, or it cannot be made; never rejects. Leaves no process. */
export async function openParentNamespace(clock: Clock): Promise<HeldNamespace | undefined> {
  if (!existsSync(SETTING)) return undefined;
  // It cannot be made, or no file can be opened: instances do without.
  return holdNamespace({ kind: "net", maker: ["unshare", "--net"], setUp: SMALL_TABLES }, clock).catch(() => undefined);
}
