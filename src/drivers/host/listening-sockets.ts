/**
 * Which TCP sockets listen, read from /proc/PID/net/tcp and tcp6 (proc(5)): no connection attempt, so that the
 * function never sees one. To read them costs a millisecond or more, since the kernel walks its table of all
 * connections of the machine (measured: 2.4 ms for both, 24 GB of memory, no connection), unless the namespace has one of
 * its own: ask the counters first.
 */
import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { listOrNone } from "./read-or-none.ts";

export interface ListeningSocket {
  /** `0.0.0.0` and `::` mean all interfaces. */
  readonly address: string;
  readonly port: number;
  readonly inode: number;
}

const CHUNK_BYTES = 32 * 1024;
/** The two files of some lines have at most half of it. */
const SOCKSTAT_BYTES = 1024;
/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const STATE_LISTEN = "0A";

/** Numbers of TCP sockets of one network namespace. A socket counts from its `listen` or `connect`. */
export interface SocketCounts {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** `process` is a pid, or `self`; none are counted when it is gone. Who asks often takes a SocketCounter. */
export function socketCounts(process: number | "self"): SocketCounts {
  const counter = new SocketCounter(process);
  try {
    return counter.read();
  } finally {
    counter.close();
  }
}

/**
 * Counts the sockets of the network namespace of `process` again and again, for some microseconds each time: to find the
 * files by name costs ten times that. While it is open the namespace lives on.
 */
export class SocketCounter {
  readonly #files: readonly (number | undefined)[];
  readonly #text = Buffer.allocUnsafe(SOCKSTAT_BYTES);

  constructor(process: number | "self") {
    this.#files = ["sockstat", "sockstat6"].map((name) => openOrNone(`/proc/${process}/net/${name}`));
  }

  read(): SocketCounts {
    const [ipv4 = 0, ipv6 = 0] = this.#files.map((file) => this.#count(file));
    return { ipv4, ipv6 };
  }

  close(): void {
    for (const file of this.#files) if (file !== undefined) closeSync(file);
  }

  #count(file: number | undefined): number {
    if (file === undefined) return 0;
    const length = readSync(file, this.#text, 0, SOCKSTAT_BYTES, 0);
    return Number(/^TCP6?: inuse (\d+)/m.exec(this.#text.toString("latin1", 0, length))?.[1] ?? 0);
  }
}

/** Listening sockets of the network namespace in which `process` (a pid, or `self`) is; none when it is gone. */
export function listeningSockets(process: number | "self", counts = socketCounts(process)): ListeningSocket[] {
  const ipv4 = counts.ipv4 === 0 ? [] : readTable(`/proc/${process}/net/tcp`);
  const ipv6 = counts.ipv6 === 0 ? [] : readTable(`/proc/${process}/net/tcp6`);
  return [...ipv4, ...ipv6];
}

/** Inodes of the sockets that the given processes hold open. */
export function socketInodes(pids: readonly number[]): Set<number> {
  const inodes = new Set<number>();
  for (const pid of pids) {
    for (const descriptor of listOrNone(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOrEmpty(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode !== undefined) inodes.add(Number(inode));
    }
  }
  return inodes;
}

/** The kernel lists listening sockets before all others: reading stops at the first row of another state. */
function readTable(file: string): ListeningSocket[] {
  const descriptor = openOrNone(file);
  if (descriptor === undefined) return [];
  const sockets: ListeningSocket[] = [];
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = "";
  let first = true;
  try {
    for (;;) {
      const length = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) return sockets;
      const lines = (rest + chunk.toString("latin1", 0, length)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (first) {
          first = false;
          continue;
        }
        const socket = parseListeningRow(line);
        if (socket === undefined) return sockets;
        sockets.push(socket);
      }
    }
  } catch {
    return sockets;
  } finally {
    closeSync(descriptor);
  }
}

/** One row of /proc/net/tcp or tcp6; undefined when it is not a listening socket. */
export function parseListeningRow(row: string): ListeningSocket | undefined {
  const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
  if (state !== STATE_LISTEN) return undefined;
  const [address = "", port = ""] = local.split(":");
  return { address: readAddress(address), port: Number.parseInt(port, 16), inode: Number(inode) };
}

/** The kernel prints an address as words of 32 bits in the host's byte order; all our platforms are little-endian. */
function readAddress(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.every((byte) => byte === 0)) return "::";
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff;
  if (isMapped) return bytes.subarray(12).join(".");
  if (bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return "::1";
  return bytes.toString("hex").replace(/(.{4})(?=.)/g, "$1:");
}

function openOrNone(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    return undefined;
  }
}

function linkOrEmpty(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
