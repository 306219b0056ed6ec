import { decodeGrpcMessage, parseGrpcStatus, parseHealthStatus, statusName } from "../grpc/grpc.ts";
import type { HeaderList } from "../h2/h2.ts";
import { GrpcStatus } from "../model/model.ts";
import type { InstanceAnswer } from "../scheduler/scheduler.ts";

/** Characters of an answer's text that are kept, for logs. */
const DETAIL_MAX_CHARACTERS = 200;

const UNSUPPORTED_MEDIA_TYPE = 415;

/** A whole answer to a question: `body` may be cut. */
export interface WholeAnswer {
  readonly head: HeaderList;
  readonly trailers: HeaderList;
  readonly body: Buffer;
}

/** What an answer to a hook or an HTTP health check means. */
export function readHttpAnswer({ head, trailers, body }: WholeAnswer): InstanceAnswer {
  const httpStatus = Number(field(head, ":status"));
  const grpcStatus = field(trailers, "grpc-status") ?? field(head, "grpc-status");
  // grpc-java answers text/plain with a grpc-status, grpc-go and grpc-js 415, gRPC's C core and tonic trailers only.
  if (grpcStatus !== undefined || field(head, "content-type")?.startsWith("application/grpc") === true) {
    return { kind: "notServed", detail: describeGrpc(grpcStatus, head, trailers) };
  }
  const detail = detailOf(`HTTP ${httpStatus}`, body.toString("utf8"));
  if (httpStatus === UNSUPPORTED_MEDIA_TYPE) return { kind: "notServed", detail };
  return { kind: "answered", ok: httpStatus >= 200 && httpStatus < 300, httpStatus, detail };
}

/** What an answer to `grpc.health.v1.Health/Check` means. */
export function readHealthAnswer({ head, trailers, body }: WholeAnswer): InstanceAnswer {
  const httpStatus = Number(field(head, ":status"));
  const grpcStatus = field(trailers, "grpc-status") ?? field(head, "grpc-status");
  if (grpcStatus === undefined && field(head, "content-type")?.startsWith("application/grpc") !== true) {
    const detail = detailOf(`HTTP ${httpStatus}, no gRPC`, body.toString("utf8"));
    // gRPC's own mapping (http-grpc-status-mapping.md): these say that it cannot answer now, the others that there is none.
    const isBusy = httpStatus === 429 || httpStatus >= 500;
    return isBusy ? { kind: "answered", ok: false, httpStatus, detail } : { kind: "notServed", detail };
  }
  const status = parseGrpcStatus(grpcStatus ?? "");
  const detail = describeGrpc(grpcStatus, head, trailers);
  if (status === undefined) return { kind: "failed", detail };
  if (status === GrpcStatus.UNIMPLEMENTED) return { kind: "notServed", detail };
  if (status !== 0) return { kind: "answered", ok: false, httpStatus, detail };
  const serving = parseHealthStatus(body);
  if (serving === undefined) return { kind: "failed", detail: "the message is no HealthCheckResponse" };
  return { kind: "answered", ok: serving === "SERVING", httpStatus, detail: serving };
}

function describeGrpc(grpcStatus: string | undefined, head: HeaderList, trailers: HeaderList): string {
  const status = parseGrpcStatus(grpcStatus ?? "");
  const what = status === undefined ? "a gRPC answer without a status" : `gRPC status ${status} ${statusName(status)}`;
  const message = field(trailers, "grpc-message") ?? field(head, "grpc-message") ?? "";
  return detailOf(what, decodeGrpcMessage(message));
}

/** One line of text, cut. */
function detailOf(what: string, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a log
  const line = text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, " ").trim();
  const detail = line === "" ? what : `${what}: ${line}`;
  return detail.length > DETAIL_MAX_CHARACTERS ? `${detail.slice(0, DETAIL_MAX_CHARACTERS - 3)}...` : detail;
}

function field(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}
