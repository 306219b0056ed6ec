import { existsSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { processesNaming, remains } from "../../../src/drivers/testing/host-inventory.ts";

/** Addresses of the sandboxes of a chaos run, so that its network links are told from those of another Sluice. */
export const NETWORK_RANGE = "10.203.0.0/16";

/** Everything that is left of a Sluice that has ended, in words. `dataDir`: what its processes and instances name. */
export function leftovers(sluicePid: number, dataDir: string, temporaryDir: string): string[] {
  const links = Object.entries(networkInterfaces()).filter(([, addresses]) =>
    addresses?.some(({ address }) => address.startsWith("10.203.")),
  );
  return [
    ...processesNaming(dataDir).map((pid) => `process ${pid}`),
    ...links.map(([name]) => `network link ${name}`),
    ...remains(sluicePid).map((name) => `control group or mount ${name}`),
    ...(existsSync(temporaryDir) ? readdirSync(temporaryDir) : []).map((name) => `temporary file ${name}`),
  ];
}

/** Open files of a process. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
