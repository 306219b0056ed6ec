/**
 * The process outside: where Sluice runs without root, the spawner is in a network of its own, from which nothing leads
 * out. This one stays in the host's, as the user, and starts there what gives functions a way out. It ends with the
 * spawner, and all that it has started ends with it.
 */
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { systemClock as clock, type Logger } from "../../base/base.ts";
import { BackgroundShell } from "../network/background-shell.ts";
import type { HeldNamespace } from "../network/held-namespace.ts";
import { Slirp } from "../network/slirp.ts";
import { holdFewFiles } from "./few-files.ts";
import { type FromOutside, OUTSIDE_CHANNEL, type ToOutside } from "./messages.ts";
import { networkOf } from "./network-of.ts";

const channel = new Socket({ fd: OUTSIDE_CHANNEL });
const logger: Logger = {
  debug: (message, fields) => post({ type: "log", level: "debug", message, fields }),
  info: (message, fields) => post({ type: "log", level: "info", message, fields }),
  warn: (message, fields) => post({ type: "log", level: "warn", message, fields }),
  error: (message, fields) => post({ type: "log", level: "error", message, fields }),
};
const slirps = new Map<number, Slirp>();
let files: HeldNamespace | undefined;
let shell: BackgroundShell | undefined;
let isOver = false;
/** One after the other: the first message takes a while. */
let handled: Promise<void> = Promise.resolve();

channel.on("error", () => {});
channel.on("close", () => {
  isOver = true;
  for (const slirp of slirps.values()) slirp.end();
  shell?.close();
  files?.close();
  // Nothing is left to wait for but the ends of those; then this process ends by itself.
});
createInterface({ input: channel }).on("line", (line) => {
  const message = JSON.parse(line) as ToOutside;
  handled = handled.then(() => handle(message)).catch(report);
});

async function handle(message: ToOutside): Promise<void> {
  switch (message.type) {
    case "open": {
      const user = `--user=/proc/${message.pid}/ns/user`;
      files = await holdFewFiles(["nsenter", user, "--preserve-credentials"], clock).catch((error: Error) => {
        logger.warn("ways out of functions see more of this host's files than they need", { error: error.message });
        return undefined;
      });
      const inFiles = files === undefined ? [] : [`--mount=${files.path}`];
      // An ordinary user may take priority away and never give it back.
      shell = new BackgroundShell(["nsenter", ...inFiles, user, "--preserve-credentials"], clock, false);
      return;
    }
    case "start": {
      if (isOver) return;
      const { pid, network } = message.target;
      const isThere = () => networkOf(pid)?.network === network;
      slirps.set(message.id, new Slirp(shell!, { file: `/proc/${pid}/ns/net`, isThere }, { clock, logger }));
      return;
    }
    case "end":
      slirps.get(message.id)?.end();
      slirps.delete(message.id);
      return;
    default:
      throw new Error(`Unknown message ${JSON.stringify(message satisfies never)}`);
  }
}

function post(message: FromOutside): void {
  if (!channel.destroyed) channel.write(`${JSON.stringify(message)}\n`);
}

function report(error: unknown): void {
  logger.error("a way out cannot be started or ended", { error: error instanceof Error ? error.stack : error });
}
