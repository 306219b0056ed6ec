import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { ReceivedZip } from "../code/received-zip.ts";

/** What a handler finds beside the request. */
export interface ApiEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    readonly requestId: string;
    /** The body, its hash compared where one was signed; without the zip, where it carries one. */
    readonly body: Buffer;
    /** Of a body that the handler reads itself: what it must be compared with; undefined where that was not signed. */
    readonly bodySha256: string | undefined;
    /** The zip of `code.zipFile`, or the body itself where that is one. There until the request is answered. */
    readonly zip: ReceivedZip | undefined;
  };
}

export type ApiContext = Context<ApiEnv>;
