import type { ErrorCode } from "../../../src/h2/h2.ts";
import type { Attacker, Greeting } from "./attacker.ts";

/** What an attacker gets in the end. `token` names the refusal in the log and in the metrics. */
export type AttackEnd =
  /** GOAWAY with this code and the token as debug data, then the end of the connection. */
  | { readonly by: "goaway"; readonly code: keyof typeof ErrorCode; readonly token: string }
  /** RST_STREAM; the connection lives. */
  | { readonly by: "reset"; readonly code: keyof typeof ErrorCode; readonly token: string }
  /** An answer with this grpc-status; the connection lives. */
  | { readonly by: "status"; readonly status: number; readonly token: string }
  /** The socket is closed without a word that the attacker could read. */
  | { readonly by: "close"; readonly withinMs: number; readonly token: string }
  /** Nothing: it does no harm, and honest clients do it too. */
  | { readonly by: "nothing" };

/** One attack: how it is played, what ends it, and what it may cost. Tests, the bench and docs/limits.md come from this. */
export interface Attack {
  readonly name: string;
  /** The CVE, or what it is known as. */
  readonly source: string;
  /** Settings of docs/limits.md that bound it; empty where the rules of the protocol do. */
  readonly limits: readonly string[];
  readonly end: AttackEnd;
  /** How many connections play it at once. Default 1. */
  readonly connections?: number;
  /** Default: whole. */
  readonly greeting?: Greeting;
  /** SETTINGS of the attacker. */
  readonly settings?: readonly [id: number, value: number][];
  /** What it may add to the gateway's memory at the most, in MiB, all connections together. Default: MEMORY_MAX_MIB. */
  readonly memoryMaxMib?: number;
  play(attacker: Attacker): Promise<void> | void;
}

/** Room for the garbage of a flood that is cut: young objects that V8 has not collected yet. */
export const MEMORY_MAX_MIB = 48;

/** The limit on the acknowledgement of SETTINGS in tests of slow attackers: its default is half a minute. */
export const SLOW_SETTINGS_ACK_MS = 13_000;
