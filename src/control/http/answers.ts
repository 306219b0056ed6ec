/** How answers look on the wire, the same in every dialect. */
import { type ApiError, invalid } from "../api-error.ts";
import type { ApiContext } from "./env.ts";

export const REQUEST_ID_HEADER = "X-Fc-Request-Id";

/**
 * The body of an error. Both spellings: Function Compute's tools read ErrorCode and ErrorMessage, the official SDKs
 * Code, Message and RequestId.
 */
export function errorBody(error: ApiError, requestId: string): Record<string, string> {
  return {
    Code: error.code,
    Message: error.message,
    RequestId: requestId,
    ErrorCode: error.code,
    ErrorMessage: error.message,
  };
}

/** A body without content type: with one, Serverless Devs would parse the empty text. */
export function noContent(c: ApiContext): Response {
  return c.body(null, 204);
}

/** The body as a JSON object, `code.zipFile` being the zip that came there; no body is an empty one. Throws InvalidArgument. */
export function jsonBody(c: ApiContext): Record<string, unknown> {
  const text = c.get("body").toString("utf8");
  if (text === "") return {};
  const parsed = parseJson(text, "body");
  if (!isObject(parsed)) return invalid("body: expected a JSON object");
  const { code } = parsed;
  const zip = c.get("zip");
  // Of two keys `code` the last one counts, which may be another than the zip's.
  if (zip === undefined || !isObject(code) || !("zipFile" in code)) return parsed;
  return { ...parsed, code: { ...code, zipFile: zip } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws InvalidArgument that names `field`. */
export function parseJson(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return invalid(`${field}: expected JSON, which this is not: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** As Function Compute writes times: UTC, whole seconds. */
export function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
