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
}
