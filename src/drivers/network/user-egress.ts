/** Ways out in user mode: for each instance a slirp4netns, and in its namespace the rules for what that may not reach. */
import { DeniedNetworks } from "./denied-networks.ts";
import type { Egress, EgressOptions } from "./egress.ts";
import { egressRules } from "./egress-rules.ts";
import { SLIRP_INTERFACE, SLIRP_NAME_SERVER } from "./slirp.ts";
import type { SlirpHost } from "./slirp-host.ts";

export function openUserEgress(options: EgressOptions, host: SlirpHost): Egress {
  const denied = new DeniedNetworks({ ...options, hostPid: host.hostPid });
  const rules = (networks: readonly string[]) =>
    egressRules({ interfaceName: SLIRP_INTERFACE, nameServers: [SLIRP_NAME_SERVER], denied: networks });
  /** What each rules text denies; there are as many as the host has had sets of addresses. */
  let parked = { networks: denied.now(), text: rules(denied.now()) };
  return {
    kind: "user",
    owner: host.owner,
    nameServers: [SLIRP_NAME_SERVER],
    parkedRules() {
      const networks = denied.now();
      if (networks === parked.networks) return parked.text;
      parked = { networks, text: rules(networks) };
      return parked.text;
    },
    attach(namespace) {
      const { pid, parkedRules } = namespace;
      denied.keep(pid, parkedRules === parked.text ? parked.networks : []);
      const slirp = host.start(namespace);
      return {
        pids: () => slirp.pids(),
        hurry: () => slirp.hurry(),
        end() {
          denied.leave(pid);
          slirp.end();
        },
      };
    },
    async close() {
      host.close();
    },
  };
}
