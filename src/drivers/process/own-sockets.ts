/**
 * Whether an instance that shares the host's network listens on its port. The socket must be its own: the port might
 * have been taken by somebody else in between.
 */
import { connect } from "node:net";
import type { Clock } from "../../base/base.ts";
import { type ListeningSocket, listeningSockets, socketInodes } from "../host/listening-sockets.ts";
import { judge, type Verdict } from "../local/listening-watch.ts";

export interface OwnSocketsOptions {
  readonly clock: Clock;
  /** The port that the instance was given. */
  readonly port: number;
  readonly caPort: number;
  /** Every process of the instance. */
  readonly pids: () => readonly number[];
}

/** A socket that was there at the last full look and listens only since is seen after this long. */
const FULL_LOOK_MS = 20;

/** A function to be asked again and again; reads the machine's table of sockets only when the instance has new ones. */
export function ownSocketsLook({ clock, port, caPort, pids }: OwnSocketsOptions): () => Verdict {
  let verdict: Verdict = { kind: "silent" };
  let inodesThen = new Set<number>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const inodes = socketInodes(pids());
    if ([...inodes].every((inode) => inodesThen.has(inode)) && clock.nowMs() - lookedAt < FULL_LOOK_MS) return verdict;
    inodesThen = inodes;
    lookedAt = clock.nowMs();
    const own = inodes.size === 0 ? [] : listeningSockets("self").filter((socket) => inodes.has(socket.inode));
    verdict = judgeOwn(own, port, caPort);
    return verdict;
  };
}

function judgeOwn(own: readonly ListeningSocket[], port: number, caPort: number): Verdict {
  const listensOn = (wanted: number) => own.some((socket) => socket.port === wanted);
  if (listensOn(port) || !listensOn(caPort)) return judge(own, port);
  return { kind: "elsewhere", reason: `it listens on caPort ${caPort}, ${givenPort(port)}` };
}

/** Where there is no /proc (macOS): tries to connect. */
export function connectLook(port: number): () => Promise<Verdict> {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("connect", () => {
        socket.destroy();
        resolve({ kind: "ready" });
      });
      socket.once("error", () => resolve({ kind: "silent" }));
    });
}

/** What to do about a program with a port of its own choice. */
export function givenPort(port: number): string {
  return (
    `but with isolation "process" it was given port ${port} in FC_SERVER_PORT, FC_CUSTOM_LISTEN_PORT and PORT, since ` +
    `instances share the ports of this machine: read one of them in the program, or use isolation "sandbox" or ` +
    `"container", where caPort is free for every instance. If Sluice itself holds that port, move it with --grpc-port`
  );
}
