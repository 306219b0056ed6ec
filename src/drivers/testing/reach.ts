/** What a program inside an instance reaches of the network: it tries, and says how each try ended and how long it took. */
import type { Dialogue } from "./test-function.ts";

export interface Target {
  /** `tcp`: open and read a greeting; `udp`: send and wait for an answer. */
  readonly by: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

export interface Attempt {
  /** What came back, or the error's code, or `silence`. */
  readonly result: string;
  readonly tookMs: number;
}

/** Longer than any answer of this machine takes. */
const SILENCE_MS = 1_500;

const PROGRAM = `
const { connect } = require("node:net");
const { createSocket } = require("node:dgram");
const { isIPv6 } = require("node:net");
const ways = {
  tcp: ({ host, port }, end) => {
    const socket = connect({ host, port });
    socket.on("error", (error) => end(error.code));
    socket.on("connect", () => socket.write("GET / HTTP/1.0\\r\\n\\r\\n"));
    socket.on("data", (data) => end(String(data)));
    return () => socket.destroy();
  },
  udp: ({ host, port }, end) => {
    const socket = createSocket(isIPv6(host.split("%")[0]) ? "udp6" : "udp4");
    socket.on("error", (error) => end(error.code));
    socket.on("message", (data) => end(String(data)));
    socket.send("hello", port, host, (error) => error && end(error.code));
    return () => socket.close();
  },
};
const attempt = (target) => new Promise((resolve) => {
  const at = performance.now();
  const timer = setTimeout(() => end("silence"), ${SILENCE_MS});
  const close = ways[target.by](target, end);
  function end(result) {
    clearTimeout(timer);
    try { close(); } catch {}
    resolve({ result, tookMs: performance.now() - at });
  }
});
Promise.all(JSON.parse(process.argv[1]).map(attempt)).then((list) => process.stdout.write(JSON.stringify(list)));
`;

/** Tries all targets at once, from inside of the instance that `dialogue` speaks with; the answers are in their order. */
export async function reach(dialogue: Dialogue, targets: readonly Target[]): Promise<Attempt[]> {
  const { code, out } = await dialogue.ask({ do: "run", command: ["node", "-e", PROGRAM, JSON.stringify(targets)] });
  if (code !== 0) throw new Error(`The attempts could not be made: ${String(out)}`);
  return JSON.parse(String(out)) as Attempt[];
}

/** IPv4 addresses that an instance finds at its interfaces, but for loopback. */
export async function ownAddresses(dialogue: Dialogue): Promise<Readonly<Record<string, string>>> {
  const script = `const own = {}; for (const [name, list] of Object.entries(require("node:os").networkInterfaces()))
    for (const { family, address } of list) if (family === "IPv4" && name !== "lo") own[name] = address;
    process.stdout.write(JSON.stringify(own))`;
  const { out } = await dialogue.ask({ do: "run", command: ["node", "-e", script] });
  return JSON.parse(String(out)) as Record<string, string>;
}
