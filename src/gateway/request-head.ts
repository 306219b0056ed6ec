import { isGrpcContentType } from "../grpc/grpc.ts";
import type { HeaderList } from "../h2/h2.ts";

/** What the gateway itself reads of a request's header list. */
export interface RequestHead {
  method: string;
  path: string;
  /** `:authority`, else `host`; empty where there is neither. As sent: see `hostOf`. */
  authority: string;
  contentType: string;
  /** Raw value of `grpc-timeout`; empty where absent. */
  grpcTimeout: string;
}

/** Reads the head in one pass over the list. */
export function readRequestHead(headers: HeaderList): RequestHead {
  const head: RequestHead = { method: "", path: "", authority: "", contentType: "", grpcTimeout: "" };
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    switch (headers[i]) {
      case ":method":
        head.method = value;
        break;
      case ":path":
        head.path = value;
        break;
      case ":authority":
        head.authority = value;
        break;
      case "host":
        if (head.authority === "") head.authority = value;
        break;
      case "content-type":
        head.contentType = value;
        break;
      case "grpc-timeout":
        head.grpcTimeout = value;
        break;
    }
  }
  return head;
}

/** gRPC over HTTP/2, "Requests": POST, and a content-type that begins with application/grpc. */
export function isGrpcRequest(head: RequestHead): boolean {
  return head.method === "POST" && isGrpcContentType(head.contentType);
}

/** Host of an authority for matching: lower case, without port, brackets and final dot. */
export function hostOf(authority: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(authority);
  const host = bracketed ? (bracketed[1] as string) : authority.replace(/:[0-9]*$/, "");
  return host.toLowerCase().replace(/\.$/, "");
}
