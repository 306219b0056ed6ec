/**
 * Calls to functions that ask for signed ones (authType `function`): verified here at the request's head, before a slot
 * is asked for, with keys that are here already. Anonymous calls never come here.
 */
import type { Clock } from "../base/base.ts";
import type { HeaderList } from "../h2/h2.ts";
import { type AccessKeyEntry, type Fault, fault, GrpcStatus, type RouteEntry } from "../model/model.ts";
import { SignatureRefusal, SignatureVerifier, type SignedRequest } from "../signing/signing.ts";
import type { RequestHead } from "./request-head.ts";

export class CallSignatures {
  readonly #clock: Clock;
  readonly #secrets = new Map<string, string>();
  readonly #verifier: SignatureVerifier;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#verifier = new SignatureVerifier({ form: "trigger", secretOf: (id) => this.#secrets.get(id) });
  }

  putKey({ accessKeyId, accessKeySecret }: AccessKeyEntry): void {
    this.#secrets.set(accessKeyId, accessKeySecret);
  }

  deleteKey(accessKeyId: string): void {
    this.#secrets.delete(accessKeyId);
  }

  /** Why the call is not from the holder of a key; undefined: it is. */
  refusalOf(route: RouteEntry, head: RequestHead, headers: HeaderList): Fault | undefined {
    try {
      this.#verifier.verify(requestOf(head, headers), this.#clock.epochMs());
      return undefined;
    } catch (error) {
      if (!(error instanceof SignatureRefusal)) throw error;
      const why = `the http trigger of ${route.function} asks for signed calls (authType function): ${error.message}`;
      return fault("AccessDenied", why, GrpcStatus.UNAUTHENTICATED);
    }
  }
}

/**
 * The head without its signature: what proves to the gateway who calls must not let the function call others in the
 * caller's name. `x-fc-*`, signed or not, is dropped of every call where it is forwarded.
 */
export function withoutSignature(headers: HeaderList): HeaderList {
  const kept: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name === "authorization" || name === "date" || name.startsWith("x-acs-")) continue;
    kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** `:authority` is what HTTP/1.1 calls `host`. */
function requestOf(head: RequestHead, headers: HeaderList): SignedRequest {
  const values = new Map<string, string[]>([["host", [head.authority]]]);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.startsWith(":") || name === "host") continue;
    const known = values.get(name);
    if (known === undefined) values.set(name, [headers[i + 1] as string]);
    else known.push(headers[i + 1] as string);
  }
  return { method: head.method, url: head.path, headers: values };
}
