/**
 * What a spawner that is in a network of its own, and the process outside of it, tell each other: lines of JSON on a socket
 * between them. It closes with either.
 */
import type { LogFields } from "../../base/base.ts";
import type { NetworkOf } from "./network-of.ts";

export type ToOutside =
  /** Always the first: the spawner's pid, in whose user namespace ways out run. */
  | { readonly type: "open"; readonly pid: number }
  /** `id` is a number of the spawner's, new each time. */
  | { readonly type: "start"; readonly id: number; readonly target: NetworkOf }
  | { readonly type: "end"; readonly id: number };

export type FromOutside = {
  readonly type: "log";
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields | undefined;
};

/** Descriptor of the socket in the process outside. */
export const OUTSIDE_CHANNEL = 3;
