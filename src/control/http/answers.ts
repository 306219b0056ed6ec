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

const NOTHING = Buffer.alloc(0);

/**
 * The body as a JSON object; no body is an empty one. Throws InvalidArgument. The bytes are let go: beside a package of
 * 100 MB they would stay in memory until it is unpacked.
 */
export function jsonBody(c: ApiContext): Record<string, unknown> {
  const text = c.get("body").toString("utf8");
  c.set("body", NOTHING);
  if (text === "") return {};
  const parsed = parseJson(text, "body");
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  return invalid("body: expected a JSON object");
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
