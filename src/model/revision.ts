import type { ContainerImage, DnsSettings } from "./container.ts";
import type { FunctionKey, RevisionId } from "./ids.ts";

/**
 * What an instance is started from and how its calls are bounded: one function's code and configuration at one moment.
 * Immutable; two equal ones have the same id.
 */
export interface Revision {
  readonly id: RevisionId;
  readonly function: FunctionKey;
  readonly accountId: string;
  readonly serviceName: string;
  readonly functionName: string;
  /** `LATEST`, a version id or an alias. */
  readonly qualifier: string;
  /** The published version that it is of; absent: the service as it stands, LATEST. */
  readonly versionId?: string;
  readonly runtime: string;
  readonly handler: string;
  /** Folder of the unpacked code package, by its hash; not changed while a revision names it. */
  readonly codeDir: string;
  /** Program and arguments (customRuntimeConfig); `["./bootstrap"]` where none is configured. */
  readonly command: readonly string[];
  /** Whether `command` was configured. Only without it a missing `bootstrap` is an error of the package. */
  readonly hasCommand: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Port that the program listens on, 1..65535. */
  readonly caPort: number;
  /** From a call's headers being written to the instance to its end. */
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  /** Cap in CPUs, 0.05..16; absent: not capped. */
  readonly cpu?: number;
  /** Calls at once on one instance, 1..200. */
  readonly instanceConcurrency: number;
  /** Calls on one instance above which another is started early; at most instanceConcurrency. */
  readonly instanceSoftConcurrency: number;
  readonly internetAccess: boolean;
  /** Absent: the name servers of the host. */
  readonly dns?: DnsSettings;
  /** A container image in place of a code package; then `codeDir` and `command` are empty. */
  readonly image?: ContainerImage;
  /** The hooks that are switched on; absent: none. */
  readonly hooks?: InstanceHooks;
  /** Absent: instances are not checked. */
  readonly healthCheck?: HealthCheck;
}

/**
 * Requests that an instance gets in its life, beside calls (Function Compute, "Lifecycle hooks"); each is there only
 * where it is switched on. `timeoutMs` bounds the answer.
 */
export interface InstanceHooks {
  /** `POST /initialize`, once, before the first call. */
  readonly initialize?: { readonly timeoutMs: number };
  /** `GET /pre-freeze`, before it is frozen. */
  readonly preFreeze?: { readonly timeoutMs: number };
  /** `GET /pre-stop`, before it is told to stop. */
  readonly preStop?: { readonly timeoutMs: number };
}

/** customHealthCheckConfig (Function Compute, "Configure health checks for instances"): times in milliseconds. */
export interface HealthCheck {
  /** Path and query of the GET; 200 to 399 is healthy. */
  readonly path: string;
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** So many in a row make it unhealthy, or healthy again. */
  readonly failureThreshold: number;
  readonly successThreshold: number;
}
