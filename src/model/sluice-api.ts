/** What Sluice's own endpoints under `/sluice/v1/` answer, as JSON. Points in time are Unix epoch milliseconds. */
import type { ErrorType } from "./faults.ts";
import type { FunctionKey, InstanceId, RevisionId } from "./ids.ts";
import type { FunctionStatus, InstanceStatus } from "./messages.ts";
import type { AcmeProgress } from "./resources.ts";

/** How a custom domain stands, in `GET /sluice/v1/functions`. */
export interface DomainInfo {
  readonly domainName: string;
  readonly protocol: string;
  /** Whether the gRPC port serves it at all. */
  readonly served: boolean;
  /** Where the certificate shown comes from: the user, ACME, the local CA of custom domains, Sluice's own. */
  readonly certificateSource?: "own" | "acme" | "local" | "default";
  /** End of the certificate shown, Unix epoch milliseconds. */
  readonly validToAt?: number;
  /** What clients trust, where that is a local CA: a file on the machine of the platform. */
  readonly caFile?: string;
  readonly acme?: AcmeProgress;
  /** What is not well: one sentence each. */
  readonly warnings: readonly string[];
}

/** One function of `GET /sluice/v1/functions`: how it is reached, and whether a call can work now. */
export interface FunctionInfo {
  readonly serviceName: string;
  readonly functionName: string;
  /** `LATEST` first; others only where a trigger or a route leads to the function under them. */
  readonly qualifier: string;
  /** The published version that it runs; absent: the service as it stands. */
  readonly versionId?: string;
  /** Other versions with their shares of the calls; absent: none. */
  readonly additionalVersions?: readonly {
    readonly versionId: string;
    readonly weight: number;
    readonly revisionId: RevisionId;
  }[];
  readonly runtime: string;
  /** Absent without an http trigger. */
  readonly urlInternet?: string;
  /** The generated host name of the http trigger; absent without one. */
  readonly host?: string;
  /** Hosts of custom domains with a route to it. */
  readonly customDomains: readonly string[];
  /** How these stand. */
  readonly domains: readonly DomainInfo[];
  /** Of the http trigger that says what is asked of callers; `function`: they have to sign. Absent without one. */
  readonly authType?: "anonymous" | "function";
  /** Whether a gRPC call can work now, signed where `authType` is `function`. */
  readonly callable: boolean;
  /** Why not; or, where `callable`, what is still not well (a newer revision that failed to start). */
  readonly reason?: string;
  readonly instances: readonly InstanceStatus[];
  /** Most instances, of its on-demand config; absent: none is set. */
  readonly maximumInstanceCount?: number;
  /** Instances that ended by themselves since Sluice started; absent: none. */
  readonly restarts?: number;
  /** How its provisioned instances stand; absent without a provision config. */
  readonly provision?: NonNullable<FunctionStatus["provision"]>;
  /** Revision of the stored configuration. */
  readonly revisionId: RevisionId;
  readonly revisionNumber: number;
  /** Revision that new calls go to; absent until the data plane has said. */
  readonly servingRevisionId?: RevisionId;
  readonly next?: NonNullable<FunctionStatus["next"]>;
  readonly lastStartFailure?: NonNullable<FunctionStatus["lastStartFailure"]>;
  /** Absent where it is a container image. */
  readonly codeChecksum?: string;
  readonly codeSizeBytes?: number;
  /** The image that it runs, in place of a code package. */
  readonly image?: { readonly reference: string; readonly id: string };
  /** False where the package has no `bootstrap` and no start command is configured: it will not start. */
  readonly hasStartCommand: boolean;
  readonly caPort: number;
  /** Seconds. */
  readonly timeout: number;
  readonly lastModifiedAt: number;
}

export interface FunctionsAnswer {
  readonly functions: readonly FunctionInfo[];
}

/** A container image that a write of a function waits for: looked for on this machine, or being pulled. */
export interface ImagePull {
  readonly serviceName: string;
  readonly functionName: string;
  /** The reference. */
  readonly image: string;
  readonly startedAt: number;
  /** How far it is, for people; empty at first. */
  readonly progress: string;
}

/** `GET /sluice/v1/image-pulls`. */
export interface ImagePullsAnswer {
  readonly pulls: readonly ImagePull[];
}

/** `POST /sluice/v1/services/SERVICE/rollback` with `{aliasName?, versionId?}`: what it did. */
export type RollbackAnswer =
  | {
      readonly kind: "alias";
      readonly aliasName: string;
      /** Where all calls go now. */
      readonly versionId: string;
      readonly before: {
        readonly versionId: string;
        readonly additionalVersionWeight: Readonly<Record<string, number>>;
      };
    }
  | {
      readonly kind: "latest";
      /** What the service is again. */
      readonly versionId: string;
      /** Names of functions that are others now, that were gone, and that the version does not have. */
      readonly changed: readonly string[];
      readonly restored: readonly string[];
      readonly kept: readonly string[];
    };

/** One key, of `GET /sluice/v1/keys`. */
export interface AccessKeyInfo {
  readonly accessKeyId: string;
  readonly description: string;
  /** `unreadable`: its secret cannot be decrypted (the vault's key file is another), so nothing is signed with it. */
  readonly status: "active" | "disabled" | "unreadable";
  /** Whether it is the key of `credentials.json`, which the commands on this machine use. */
  readonly isFirst: boolean;
  /** Absent for the first key. */
  readonly createdAt?: number;
}

export interface AccessKeysAnswer {
  readonly keys: readonly AccessKeyInfo[];
}

/** `POST /sluice/v1/keys` with `{description?}`: the only answer that ever holds the secret. */
export interface NewAccessKey extends AccessKeyInfo {
  readonly accessKeySecret: string;
}

/** A request of the API that is more than a read, of `GET /sluice/v1/audit` and of audit.log, as JSON Lines. */
export interface AuditRecord {
  /** When it was done, Unix epoch milliseconds. */
  readonly at: number;
  readonly requestId: string;
  /** The key that signed it. */
  readonly accessKeyId: string;
  /** Address of the client. */
  readonly from: string;
  /** As Function Compute names it, or Sluice for its own endpoints. */
  readonly operation: string;
  /** Without the query. */
  readonly path: string;
  /** What was written or deleted in the store, each as `kind key`; empty where nothing was. */
  readonly changed: readonly string[];
  /** HTTP status of the answer. */
  readonly status: number;
  /** Error code of the answer; absent: none. */
  readonly code?: string;
}

export interface AuditAnswer {
  readonly records: readonly AuditRecord[];
}

/** One line of a function's log, of `GET /sluice/v1/logs` and of the log files, as JSON Lines. */
export interface LogRecord {
  readonly function: FunctionKey;
  /** Unix epoch milliseconds. */
  readonly at: number;
  /** `call`: a call that the function ended. `platform`: Sluice speaks, also where it ended a call. */
  readonly source: "stdout" | "stderr" | "platform" | "call";
  /** Without line end; what a function printed is cut at 32 KB. */
  readonly text: string;
  readonly instanceId?: InstanceId;
  readonly requestId?: string;
  readonly method?: string;
  readonly durationMs?: number;
  readonly grpcStatus?: number;
  readonly errorType?: ErrorType;
}

/** Raw totals of one function at one memory size; the reader turns them into a bill. */
export interface UsageTotal {
  readonly function: FunctionKey;
  readonly memoryMb: number;
  readonly calls: number;
  /** Union of the calls' intervals of every instance, added up over instances. */
  readonly busyMs: number;
  /** When the first and the last counted stretch began. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface UsageAnswer {
  readonly usage: readonly UsageTotal[];
}

/** `GET /sluice/v1/services/S/functions/F/auto-domain`: what `domainName: auto` of s.yaml stands for. */
export interface AutoDomainAnswer {
  readonly domainName: string;
}

/** `POST /sluice/v1/restore`: what was restored, and is in force with the next control plane (another `controlId`). */
export interface RestoreAnswer {
  readonly accountId: string;
  /** When the backup was made, ISO 8601. */
  readonly createdAt: string;
  /** Number of the last commit in it. */
  readonly change: number;
  readonly services: number;
  readonly functions: number;
}

/** `GET /sluice/v1/health`. */
export interface HealthAnswer {
  readonly status: "ok";
  /** Of the control plane that answers: another after each of its starts. */
  readonly controlId: string;
  /** Change number that the data plane has applied, and that of the store. */
  readonly appliedAt: number;
  readonly storedAt: number;
  /** Log lines that could not be written since the start. */
  readonly droppedLogLines: number;
  /** Usage records that wait for the store. */
  readonly pendingUsageRecords: number;
}

/** Answer of `PUT` and `GET /sluice/v1/code-packages/SHA256`. */
export interface CodePackageAnswer {
  /** SHA-256 of the zip, lower-case hex: what `code.packageId` of a function names. */
  readonly packageId: string;
  /** CRC-64/XZ of the zip in decimal. */
  readonly checksum: string;
  readonly sizeBytes: number;
  /** Kept until then where nothing names it. */
  readonly expiresAt: number;
}
