import { connect, type Socket } from "node:net";
import type { Endpoint } from "./launcher.ts";

/** Opens a TCP connection without Nagle's delay: a gRPC message is written whole. Rejects with the socket's error. */
export function connectTo(endpoint: Endpoint): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...endpoint, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
