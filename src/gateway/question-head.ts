import { formatGrpcTimeout, HEALTH_CHECK_PATH } from "../grpc/grpc.ts";
import type { HeaderList } from "../h2/h2.ts";
import { newRequestId } from "../model/model.ts";
import type { InstanceQuestion } from "../scheduler/scheduler.ts";

/**
 * The request head of a question to an instance: what Function Compute adds to every request (custom runtime, "Request
 * headers"), a request id of its own, and of a hook its control path.
 */
export function questionHead(question: InstanceQuestion, caPort: number, runtimeHeaders: HeaderList): HeaderList {
  const authority = `127.0.0.1:${caPort}`;
  const head: HeaderList =
    question.kind === "http"
      ? [":method", question.method, ":scheme", "http", ":path", question.path, ":authority", authority]
      : [":method", "POST", ":scheme", "http", ":path", HEALTH_CHECK_PATH, ":authority", authority];
  // Trailers are read of every answer. Without this gRPC's C core resets a POST where it could say UNIMPLEMENTED.
  head.push("te", "trailers");
  if (question.kind === "grpcHealth") {
    head.push("grpc-timeout", formatGrpcTimeout(question.timeoutMs), "content-type", "application/grpc");
  }
  for (let i = 0; i < runtimeHeaders.length; i += 2) {
    const name = runtimeHeaders[i] as string;
    // It says what a call is.
    if (name !== "x-fc-control-path") head.push(name, runtimeHeaders[i + 1] as string);
  }
  if (question.kind === "http" && question.controlPath !== undefined) {
    head.push("x-fc-control-path", question.controlPath);
  }
  head.push("x-fc-request-id", newRequestId());
  return head;
}
