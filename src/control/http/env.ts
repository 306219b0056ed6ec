import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** What a handler finds beside the request. */
export interface ApiEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    readonly requestId: string;
    /** The whole body, its hash compared where one was signed. */
    readonly body: Buffer;
    /** Of a body that the handler reads itself: what it must be compared with; undefined where that was not signed. */
    readonly bodySha256: string | undefined;
  };
}

export type ApiContext = Context<ApiEnv>;
