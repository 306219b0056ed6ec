import { InterceptingCall, type Interceptor, type Metadata } from "@grpc/grpc-js";
import type { Clock } from "../../base/base.ts";
import { type AccessKey, headerValues, signFc } from "../../signing/signing.ts";

/** What grpc-js sends as the call's content-type, which the signature covers. */
const CONTENT_TYPE = "application/grpc";

/**
 * Signs each call of a client by `FC`, with what its metadata holds under `x-fc-*`. A call that has an `authorization`
 * already goes as it is: its caller signed it.
 */
export function signCalls(key: AccessKey, clock: Clock): Interceptor {
  return (options, nextCall) => {
    const url = options.method_definition.path;
    return new InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        if (metadata.get("authorization").length === 0) sign(metadata, url, key, clock);
        next(metadata, listener);
      },
    });
  };
}

function sign(metadata: Metadata, url: string, key: AccessKey, clock: Clock): void {
  metadata.set("date", new Date(clock.epochMs()).toUTCString());
  const headers = headerValues({ ...textsOf(metadata), "content-type": CONTENT_TYPE });
  metadata.set("authorization", signFc({ method: "POST", url, headers }, "trigger", key));
}

/** Binary values as they are on the wire. */
function textsOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata.getMap()).map(([name, value]) => [
      name,
      typeof value === "string" ? value : value.toString("base64"),
    ]),
  );
}
