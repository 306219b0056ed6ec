/** Whose networks those with a way out in user mode are: a user namespace in which nobody of the host is anybody. */
import { statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../base/base.ts";
import { type HeldNamespace, holdNamespace } from "./held-namespace.ts";

export const TUN_DEVICE = "/dev/net/tun";
/** Character device 10, 200 (kernel: networking/tuntap). */
const TUN_NUMBER = "10 200";
/** Where ip(8) gives names to network namespaces. */
const NAMES_FOLDER = "/run/netns";

export interface NetworkOwner {
  /** Options of nsenter(1) to become root of the user namespace, with a view of files in which the networks have names. */
  readonly enter: readonly string[];
  close(): void;
}

/** Root in the user namespace is user and group `uid` of the host. As root. Rejects when it cannot be made. */
export async function openNetworkOwner(uid: number, clock: Clock): Promise<NetworkOwner> {
  const user = await holdNamespace(
    {
      kind: "user",
      maker: ["unshare", "--user"],
      prepare: (pid) => {
        for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${pid}/${map}`, `0 ${uid} 1\n`);
      },
    },
    clock,
  );
  const devices = await openDevices(clock);
  const inDevices = devices === undefined ? [] : [`--mount=${devices.path}`];
  const maker = ["nsenter", ...inDevices, `--user=${user.path}`, "unshare", "--mount"];
  const setUp = `mount -t tmpfs -o mode=0700,size=1m sluice ${dirname(NAMES_FOLDER)}`;
  // Of the user namespace, and with it goes every name that is left.
  const files = await holdNamespace({ kind: "mnt", maker, setUp }, clock);
  devices?.close();
  return {
    enter: [`--mount=${files.path}`, `--user=${user.path}`],
    close() {
      user.close();
      files.close();
    },
  };
}

/** A network in the view of files of the owner, by the name that ip-netns(8) has given to it. */
export function networkFile(name: string): string {
  return `${NAMES_FOLDER}/${name}`;
}

/** udev lets every user open the device; where only root may, a mount namespace in which all may, else undefined. */
async function openDevices(clock: Clock): Promise<HeldNamespace | undefined> {
  const device = statSync(TUN_DEVICE, { throwIfNoEntry: false });
  if (device === undefined || (device.mode & 0o006) === 0o006) return undefined;
  const setUp = `mount -t tmpfs -o mode=0755,size=4k sluice ${dirname(TUN_DEVICE)} && mknod -m 666 ${TUN_DEVICE} c ${TUN_NUMBER}`;
  return holdNamespace({ kind: "mnt", maker: ["unshare", "--mount"], setUp }, clock);
}
