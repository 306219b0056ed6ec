/**
 * Checking what people send. Each refusal names the field, what is expected and what was given. Schemas strip keys that
 * they do not know, as Function Compute does: its tools send many.
 */
import { z } from "zod";
import { LATEST } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";

/** Issues told at once. */
const ISSUES_TOLD_MAX = 3;
const SHOWN_MAX_CHARS = 80;
/** Values under these keys are not repeated in messages. */
const SECRET_KEYS = ["certConfig", "environmentVariables", "zipFile", "registryConfig"];
/** Neither are values at these keys themselves, which hold secrets beside other things. */
const SECRET_HOLDERS = ["customContainerConfig"];

/** `input` as the schema makes it; null means absent everywhere. Throws an ApiError InvalidArgument. */
export function checked<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const given = withoutNulls(input);
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, ISSUES_TOLD_MAX).map((issue) => {
    const field = issue.path.length === 0 ? "body" : issue.path.map(String).join(".");
    return `${field}: expected ${issue.message}, got ${shown(given, issue.path)}`;
  });
  throw new ApiError("InvalidArgument", issues.join("; "));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  // A zip that was received stays what it is.
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutNulls(each)]));
}

function shown(input: unknown, path: readonly PropertyKey[]): string {
  let value = input;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  if (value === undefined) return "nothing";
  const isSecret =
    path.some((key) => SECRET_KEYS.includes(String(key))) || SECRET_HOLDERS.includes(String(path.at(-1)));
  if (isSecret) return `a ${typeof value} (not repeated here)`;
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX_CHARS ? `${text.slice(0, SHOWN_MAX_CHARS)}...` : text;
}

/** An object of these fields, all optional, without others. */
export function settings<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape, { error: "an object" }).partial();
}

export function text(charactersMax: number) {
  return z.custom<string>(
    (value) => typeof value === "string" && value.length <= charactersMax,
    `a text of at most ${charactersMax} characters`,
  );
}

export function flag() {
  return z.boolean("true or false");
}

/** An integer in a range, in steps from zero. */
export function integer(min: number, max: number, unit: string, step = 1) {
  const steps = step === 1 ? "" : ` in steps of ${step}`;
  return z.custom<number>(
    (value) => Number.isInteger(value) && inRange(value as number, min, max) && (value as number) % step === 0,
    `an integer from ${min} to ${max}${steps} (${unit})`,
  );
}

export function oneOf<const Values extends readonly (string | number)[]>(values: Values) {
  return z.custom<Values[number]>((value) => values.includes(value as Values[number]), `one of ${values.join(", ")}`);
}

export function textList(countMax: number, charactersMax = 4096) {
  return z.custom<string[]>(
    (value) =>
      Array.isArray(value) &&
      value.length <= countMax &&
      value.every((each) => typeof each === "string" && each.length <= charactersMax),
    `a list of at most ${countMax} texts`,
  );
}

/** Name of a resource. Function Compute: letters, digits, `_` and `-`, the first one no digit and no `-`. */
export function name(charactersMax: number) {
  return z.custom<string>(
    (value) => typeof value === "string" && value.length <= charactersMax && /^[A-Za-z_][A-Za-z0-9_-]*$/.test(value),
    `a name of at most ${charactersMax} letters, digits, _ and - that begins with a letter or _`,
  );
}

/** What a trigger or a route leads to. An empty text is LATEST, as tools send it. */
export const qualifier = z
  .custom<string>(
    (value) =>
      value === "" || (typeof value === "string" && /^([1-9]\d{0,14}|[A-Za-z_][A-Za-z0-9_-]{0,127})$/.test(value)),
    "LATEST, the id of a version, or the name of an alias",
  )
  .transform((value) => (value === "" ? LATEST : value));

export function inRange(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

/** `prefix`, `startKey`, `nextToken` and `limit` of a list, as they stand in a query. */
export interface ListQuery {
  readonly prefix?: string | undefined;
  readonly startKey?: string | undefined;
  readonly nextToken?: string | undefined;
  readonly limit?: string | undefined;
}

const LIST_LIMIT = 20;
const LIST_LIMIT_MAX = 100;

/** The query with its defaults. nextToken says where the next page starts, as startKey does. */
export function listRange(query: ListQuery): { prefix: string; startKey: string; limit: number } {
  const limit = query.limit === undefined || query.limit === "" ? LIST_LIMIT : Number(query.limit);
  if (!Number.isInteger(limit) || !inRange(limit, 1, LIST_LIMIT_MAX)) {
    invalid(`limit: expected an integer from 1 to ${LIST_LIMIT_MAX}, got ${JSON.stringify(query.limit)}`);
  }
  const startKey = query.nextToken || query.startKey || "";
  return { prefix: query.prefix ?? "", startKey, limit };
}
