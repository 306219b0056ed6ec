/** Where the control API listens, and how other machines reach it. */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { ControlPlaneOptions } from "../control/control.ts";
import { isLoopbackAddress } from "../gateway/gateway.ts";
import type { Configuration } from "./configuration.ts";
import type { RemoteEndpoint } from "./data-directory.ts";
import { StartupError } from "./startup-error.ts";

const LOOPBACK = ["127.0.0.1", "::1"];

/** Interfaces that lead to functions, containers and virtual machines of this machine, not to others. */
const INNER_INTERFACES = /^(sluice|veth|docker|podman|cni|br-|virbr|tap)/;

export interface ApiAddress {
  /** What it listens on, loopback included. */
  readonly hosts: readonly string[];
  /** Absent where that is loopback alone. */
  readonly tls: ControlPlaneOptions["listen"]["tls"];
  /** What the local CA is to vouch for because of it. */
  readonly certifiedHosts: readonly string[];
  /** For endpoint.json. */
  remoteEndpoint(ports: { apiPort: number; grpcPort: number; caFile: string }): { readonly remote?: RemoteEndpoint };
}

/** Throws a StartupError for a certificate without key or the other way round. */
export function apiAddress(configuration: Configuration, tlsDirectory: string): ApiAddress {
  const { apiCertificateFile, apiKeyFile } = configuration;
  const foreign = configuration.apiHosts.filter((host) => !isLoopbackAddress(host));
  if ((apiCertificateFile === "") !== (apiKeyFile === "")) {
    throw new StartupError("The API's certificate and its key belong together: name both, --api-cert and --api-key");
  }
  const [first] = foreign;
  if (first === undefined) return { hosts: LOOPBACK, tls: undefined, certifiedHosts: [], remoteEndpoint: () => ({}) };
  const isConfigured = apiCertificateFile !== "";
  const reachable = foreign.flatMap((host) => (isUnspecified(host) ? ownAddresses() : [host]));
  return {
    // An address that stands for all takes the place of loopback ones, which cannot have the port again.
    hosts: [...LOOPBACK.filter((host) => !foreign.some((each) => includes(each, host))), ...foreign],
    tls: isConfigured
      ? { certificateFile: apiCertificateFile, keyFile: apiKeyFile }
      : { certificateFile: join(tlsDirectory, "default.pem"), keyFile: join(tlsDirectory, "default.key") },
    certifiedHosts: isConfigured
      ? []
      : [...reachable, ...(foreign.some(isUnspecified) ? [hostname().toLowerCase()] : [])],
    remoteEndpoint({ apiPort, grpcPort, caFile }) {
      const host = reachable[0] ?? hostname();
      const isGrpcRemote = configuration.hosts.some((each) => !isLoopbackAddress(each));
      return {
        remote: {
          apiUrl: `https://${addressOf(host, apiPort)}`,
          ...(isGrpcRemote && { grpcAddress: addressOf(host, grpcPort) }),
          ...(!isConfigured && { caFile }),
        },
      };
    },
  };
}

/** HOST:PORT, an IPv6 address in brackets. */
export function addressOf(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether it stands for all addresses of this machine. */
export function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** `::` takes IPv4 too (Linux and macOS, unless told otherwise). */
function includes(unspecified: string, loopback: string): boolean {
  return unspecified === "::" || (unspecified === "0.0.0.0" && isIP(loopback) === 4);
}

/** Addresses by which other machines may know this one. */
function ownAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !INNER_INTERFACES.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/.test(address))
    .map(({ address }) => address);
}
