import { type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { headerValues, sha256Hex, signAcs3 } from "../../signing/signing.ts";
import { credentials } from "./open-control.ts";

/** What to send, and what to change of it after it was signed. */
export interface RawRequest {
  readonly method?: string;
  /** Path and query as they are sent. */
  readonly path: string;
  readonly body?: string | Buffer;
  /** Headers set last; undefined takes one away. */
  readonly headers?: Record<string, string | undefined>;
  /** Sent instead of the body that was signed. */
  readonly bodySent?: string;
  readonly date?: Date;
  /** The Host header, as it is signed. */
  readonly host?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  json(): Record<string, unknown>;
}

/** Sends a signed request and reads the whole answer. */
export async function send(port: number, raw: RawRequest): Promise<RawAnswer> {
  const response = await open(port, raw);
  const text = (await buffer(response)).toString("utf8");
  const json = () => JSON.parse(text) as Record<string, unknown>;
  return { status: response.statusCode ?? 0, headers: response.headers, text, json };
}

/** Sends a signed request; resolves at the head of the answer. */
export function open(port: number, raw: RawRequest, signal?: AbortSignal): Promise<IncomingMessage> {
  const { method = "GET", path, body = "" } = raw;
  const bodySha256 = sha256Hex(body);
  const headers: Record<string, string> = {
    host: raw.host ?? `127.0.0.1:${port}`,
    "x-acs-action": "Test",
    "x-acs-content-sha256": bodySha256,
    "x-acs-date": `${(raw.date ?? new Date()).toISOString().slice(0, 19)}Z`,
    "x-acs-signature-nonce": crypto.randomUUID(),
    "x-acs-version": "2021-04-06",
  };
  headers["authorization"] = signAcs3({ method, url: path, headers: headerValues(headers) }, credentials);
  // Node.js tells the length of every body but a DELETE's.
  if (method === "DELETE" && body.length > 0) headers["content-length"] = String(Buffer.byteLength(body));
  for (const [name, value] of Object.entries(raw.headers ?? {})) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers, ...(signal && { signal }) }, resolve);
    outgoing.on("error", reject);
    outgoing.end(raw.bodySent ?? body);
  });
}
