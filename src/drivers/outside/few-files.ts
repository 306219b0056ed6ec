import type { Clock } from "../../base/base.ts";
import { type HeldNamespace, holdNamespace } from "../network/held-namespace.ts";

/**
 * slirp4netns keeps /etc and /run to itself, where it finds name servers. As an ordinary user it runs as that user, who
 * has sockets in /run that lead anywhere (the session's D-Bus). So there nothing is left of /run but the folder that
 * /etc/resolv.conf points to, where it does (systemd-resolved).
 */
const SET_UP = `set -e
servers=$(readlink -f /etc/resolv.conf || :)
servers=\${servers%/*}
case $servers in
/run/?*)
  mount -t tmpfs -o mode=0755,size=4k sluice /tmp
  mkdir /tmp/servers
  mount --rbind "$servers" /tmp/servers
  mount -t tmpfs -o mode=0755,size=4k sluice /run
  mkdir -p "$servers"
  mount --rbind /tmp/servers "$servers"
  umount -l /tmp ;;
*) mount -t tmpfs -o mode=0755,size=4k sluice /run ;;
esac`;

/** A mount namespace with no more than that; `within` leads into the user namespace it belongs to. Rejects where it cannot be made. */
export function holdFewFiles(within: readonly string[], clock: Clock): Promise<HeldNamespace> {
  return holdNamespace({ kind: "mnt", maker: [...within, "unshare", "--mount"], setUp: `{ ${SET_UP}\n}` }, clock);
}
