/**
 * The table of the API's operations, dialect by dialect. From it come the routes of everything that is not `complete`,
 * docs/api.md, the OpenAPI descriptions, and the test that walks it against a running control plane.
 */
import type { Operation } from "./operation.ts";
import { operations20160815 } from "./operations-2016-08-15.ts";
import { operations20210406 } from "./operations-2021-04-06.ts";

export type { EmptyOperation, Operation, RefusedOperation } from "./operation.ts";

/** By version of the API, which is the first segment of its paths. */
export const OPERATIONS = {
  "2021-04-06": operations20210406,
  "2016-08-15": operations20160815,
} as const satisfies Readonly<Record<string, readonly Operation[]>>;

export type Dialect = keyof typeof OPERATIONS;
