import { existsSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { processesNaming, remains } from "../../../src/drivers/testing/host-inventory.ts";

/** Addresses of the sandboxes of a chaos run, so that its network links are told from those of another Sluice. */
export const NETWORK_RANGE = "10.203.0.0/16";

/** Everything that is left of a Sluice that has ended, in words. `naming`: what its processes' environment holds. */
export function leftovers(sluicePid: number, naming: readonly string[], temporaryDir: string): string[] {
  const links = Object.entries(networkInterfaces()).filter(([, addresses]) =>
    addresses?.some(({ address }) => address.startsWith("10.203.")),
  );
  return [
    ...naming.flatMap((text) => processesNaming(text).map((pid) => `process ${pid} (${text})`)),
    ...links.map(([name]) => `network link ${name}`),
    ...remains(sluicePid).map((name) => `control group or mount ${name}`),
    ...(existsSync(temporaryDir) ? readdirSync(temporaryDir) : []).map((name) => `temporary file ${name}`),
  ];
}

/** Open files of a process. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
