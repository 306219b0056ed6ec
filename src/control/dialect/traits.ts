import type { Hono } from "hono";
import type { ApiEnv } from "../http/env.ts";
import type { Dialect } from "../operations/operations.ts";

/** What tells one version of the API from another. Everything else in this folder is the same in all. */
export interface DialectTraits {
  /** First segment of its paths. */
  readonly version: Dialect;
  /** The settings of a trigger that came, as an object. Throws InvalidArgument. Never called with nothing. */
  readTriggerConfig(sent: unknown): unknown;
  /** The settings of a trigger, as they are answered. */
  writeTriggerConfig(config: Readonly<Record<string, unknown>>): unknown;
  /** Adds routes that a row of the table cannot say. */
  addRoutes?(app: Hono<ApiEnv>): void;
}
