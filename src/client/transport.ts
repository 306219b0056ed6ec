/** HTTP requests of the API's client: signed, one attempt each. */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { type Readable, Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../base/base.ts";
import { type AccessKey, headerValues, sha256Hex, signAcs3, strictEncode } from "../signing/signing.ts";
import { errorOfAnswer } from "./api-error.ts";
import { limitConnecting, unreachable } from "./unreachable.ts";

/** Where the API is and as whom it is asked. */
export interface Endpoint extends AccessKey {
  /** `http://HOST:PORT` or `https://HOST:PORT`, without final slash. */
  readonly apiUrl: string;
  /** PEM text of the CA that an https API's certificate is verified against; absent: this system's roots. */
  readonly caPem?: string;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Percent-encoded, begins with `/`. */
  readonly path: string;
  /** Name of the operation, sent as `x-acs-action`. */
  readonly action: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of a JSON body. */
  readonly upload?: Upload;
  readonly signal?: AbortSignal;
}

/** Bytes that are sent as they are read. */
export interface Upload {
  open(): Readable;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Told how many bytes have been sent so far. */
  readonly onProgress?: (sentBytes: number) => void;
}

/** Bodies from this size on go over a connection of their own: one that was idle may just be closed by the server. */
const OWN_CONNECTION_FROM_BYTES = 1024 ** 2;

const API_VERSION = "2021-04-06";

/** An answer below 400, its body not read yet. */
export type Answer = IncomingMessage;

/** Sends one request. Throws an ApiError for an answer of 400 and above, and where none comes. */
export async function send(endpoint: Endpoint, clock: Clock, request: ApiRequest): Promise<Answer> {
  const url = new URL(endpoint.apiUrl);
  const body = request.body === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(request.body));
  const headers: Record<string, string> = {
    host: url.host,
    accept: "application/json",
    "x-acs-action": request.action,
    "x-acs-version": API_VERSION,
    // Whole seconds, as Function Compute's SDKs write them.
    "x-acs-date": `${new Date(clock.epochMs()).toISOString().slice(0, 19)}Z`,
    "x-acs-signature-nonce": crypto.randomUUID(),
    "x-acs-content-sha256": request.upload?.sha256 ?? sha256Hex(body),
    ...request.headers,
  };
  if (request.body !== undefined) headers["content-type"] = "application/json; charset=utf-8";
  const { method } = request;
  const path = `${request.path}${queryText(request.query ?? {})}`;
  headers["authorization"] = signAcs3({ method, url: path, headers: headerValues(headers) }, endpoint);
  headers["content-length"] = String(request.upload?.sizeBytes ?? body.byteLength);
  // RFC 9110 §10.1.1: what is refused is not sent.
  if (request.upload !== undefined) headers["expect"] = "100-continue";

  const answer = await exchange(endpoint, url, {
    method,
    path,
    headers,
    body: request.upload ?? body,
    signal: request.signal,
  });
  const status = answer.statusCode ?? 0;
  if (status < 400) return answer;
  const requestId = answer.headers["x-fc-request-id"];
  throw errorOfAnswer(status, typeof requestId === "string" ? requestId : "", await text(answer));
}

/** With its question mark; empty for none. */
function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${strictEncode(name)}=${strictEncode(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | Upload;
  readonly signal: AbortSignal | undefined;
}

function exchange(endpoint: Endpoint, url: URL, { body, signal, ...head }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      ...head,
      // WHATWG URLs keep the brackets of an IPv6 host; sockets want it without.
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      ...(signal !== undefined && { signal }),
      ...(endpoint.caPem !== undefined && { ca: endpoint.caPem }),
      ...(Number(head.headers["content-length"]) >= OWN_CONNECTION_FROM_BYTES && { agent: false }),
    };
    const request = url.protocol === "https:" ? tlsRequest(options, resolve) : plainRequest(options, resolve);
    request.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(url, error)));
    limitConnecting(request);
    if (body instanceof Uint8Array) request.end(body);
    else sendUpload(body, request, (error) => reject(unreachable(url, error)));
  });
}

/** Sends the bytes once the server wants them. */
function sendUpload(upload: Upload, request: ClientRequest, failed: (error: NodeJS.ErrnoException) => void): void {
  request.once("continue", () => {
    let sentBytes = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sentBytes += chunk.length;
        upload.onProgress?.(sentBytes);
        done(null, chunk);
      },
    });
    pipeline(upload.open(), counted, request).catch(failed);
  });
  request.flushHeaders();
}
