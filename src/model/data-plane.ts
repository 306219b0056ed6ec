/**
 * What the control plane tells the data plane: plain data under keys, one full snapshot at start, then deltas. Each
 * delta is applied whole. The data plane serves its last state when the control plane is gone.
 */
import type { FunctionKey } from "./ids.ts";
import type { ProvisionConfig } from "./provision.ts";
import type { RewriteConfig } from "./resources.ts";
import type { Revision } from "./revision.ts";

/** A function as the scheduler runs it, under the key `function/<service>/<name>`. */
export interface FunctionEntry {
  readonly kind: "function";
  readonly function: FunctionKey;
  readonly revision: Revision;
  /** Most instances of this function; absent: only the account's limit. 0 blocks it. */
  readonly maximumInstanceCount?: number;
  /** Other revisions that take a share of the calls (an alias with additionalVersionWeight); absent: none. */
  readonly additionalRevisions?: readonly WeightedRevision[];
  /** Absent: no provisioned instances. */
  readonly provision?: ProvisionConfig;
}

/** A revision with the share of calls that it gets, above 0 and below 1. */
export interface WeightedRevision {
  readonly revision: Revision;
  readonly weight: number;
}

/** A way into a function, under the key `route/<host>/<path>`. */
export interface RouteEntry {
  readonly kind: "route";
  /** Lower case, without port and final dot. */
  readonly host: string;
  /** Exact path, or a prefix that ends in `/*`. */
  readonly path: string;
  readonly function: FunctionKey;
  /** HTTP methods that the trigger allows; gRPC needs POST. */
  readonly methods: readonly string[];
  readonly authType: "anonymous" | "function";
  /** The trigger's default host is switched off. */
  readonly internetUrlDisabled: boolean;
  /** Generated host of an http trigger, or a custom domain. */
  readonly origin: "trigger" | "customDomain";
  /** How the path is changed for the instance; absent: not at all. */
  readonly rewrite?: RewriteConfig;
}

/** A certificate by SNI name, under the key `certificate/<host>`. The default one is the gateway's own. */
export interface CertificateEntry {
  readonly kind: "certificate";
  /** Lower case; may begin with `*.`. */
  readonly host: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What proves to an ACME server whose a host is (challenge tls-alpn-01), under the key `challenge/<host>`. Never stored. */
export interface ChallengeEntry {
  readonly kind: "challenge";
  /** Lower case. */
  readonly host: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** An active key that calls may be signed with, under the key `accessKey/<id>`. */
export interface AccessKeyEntry {
  readonly kind: "accessKey";
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

export type DataPlaneEntry = FunctionEntry | RouteEntry | CertificateEntry | ChallengeEntry | AccessKeyEntry;

/** The key under which an entry is put and deleted. */
export function entryKey(entry: DataPlaneEntry): string {
  switch (entry.kind) {
    case "function":
      return `function/${entry.function}`;
    case "route":
      return `route/${entry.host}${entry.path}`;
    case "certificate":
      return `certificate/${entry.host}`;
    case "challenge":
      return `challenge/${entry.host}`;
    case "accessKey":
      return `accessKey/${entry.accessKeyId}`;
    default:
      throw new Error(`Unknown entry ${JSON.stringify(entry satisfies never)}`);
  }
}

/** Everything, as of change number `at`. */
export interface Snapshot {
  readonly type: "snapshot";
  readonly at: number;
  readonly entries: readonly DataPlaneEntry[];
}

/** What changed after `from` up to `to`. A receiver that is not at `from` asks for a snapshot. */
export interface Delta {
  readonly type: "delta";
  readonly from: number;
  readonly to: number;
  readonly put: readonly DataPlaneEntry[];
  /** Keys. */
  readonly delete: readonly string[];
}
