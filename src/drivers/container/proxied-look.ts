import { connect } from "node:net";
import type { Verdict } from "../local/listening-watch.ts";

/** A published port is answered by the engine's proxy, which closes at once what nobody inside takes. */
const STAYS_OPEN_MS = 100;

/**
 * Whether a container listens behind a published port. Its sockets are not to be seen from here, so that a connection
 * must tell: one that stays open for a moment, or on which something comes, has been taken.
 */
export function proxiedLook(port: number): () => Promise<Verdict> {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      const settle = (kind: "ready" | "silent") => () => {
        socket.destroy();
        resolve({ kind });
      };
      socket.setTimeout(STAYS_OPEN_MS, settle("ready"));
      socket.once("data", settle("ready")).once("end", settle("silent")).once("error", settle("silent"));
      // A connection that is not even made: to be tried again.
      socket.once("close", () => resolve({ kind: "silent" }));
    });
}
