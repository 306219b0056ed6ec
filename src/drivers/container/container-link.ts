/** The link of a container that was started without any network: the gateway's way in, and no way out. */
import { isRunning } from "../host/process-tree.ts";
import type { Endpoint } from "../local/launcher.ts";
import { type FreeAddresses, hostEnd, instanceEnd } from "../network/free-addresses.ts";
import { ipBatch } from "../network/ip-batch.ts";
import { linkFirewall, loadRules } from "../network/link-firewall.ts";

/**
 * Gives the network namespace of process `pid` a link; the firewall is there before it is up. The kernel removes both ends
 * with the namespace. Rejects, with no link left, when the process has ended or the kernel refuses.
 */
export async function linkContainer(
  addresses: FreeAddresses,
  pid: number,
  port: number,
  egressRules: string,
): Promise<Endpoint> {
  const link = await addresses.attempt(
    async (free) => {
      await ipBatch(hostEnd(free, pid));
      return free;
    },
    () => isRunning(pid),
  );
  // Inside, the interface is still down.
  await loadRules(pid, linkFirewall({ interfaceName: "eth0", hostAddress: link.hostAddress }) + egressRules);
  await ipBatch(instanceEnd(link), pid);
  return { host: link.instanceAddress, port, localAddress: link.hostAddress };
}
