/** The process outside, seen from the spawner: it is told which ways out there are, anew each time another one has come. */
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Logger } from "../../base/base.ts";
import type { EgressNamespace, WayOut } from "../network/egress.ts";
import type { SlirpHost } from "../network/slirp-host.ts";
import type { FromOutside, ToOutside } from "./messages.ts";
import { type NetworkOf, networkOf } from "./network-of.ts";

export class OutsideSlirps implements SlirpHost {
  /** The instances' own belong to those of the spawner, in which slirp4netns runs. */
  readonly owner = undefined;
  /** Main, for life. */
  readonly hostPid = process.ppid;
  readonly #logger: Logger;
  readonly #targets = new Map<number, NetworkOf>();
  #lastId = 0;
  #channel: Socket | undefined;
  #isClosed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The channel to a process outside that has just come. */
  connect(channel: Socket): void {
    if (this.#isClosed) {
      channel.destroy();
      return;
    }
    this.#channel = channel;
    // Whoever ends this process does not wait for it.
    channel.unref();
    channel.on("error", () => {});
    createInterface({ input: channel }).on("line", (line) => {
      const { level, message, fields } = JSON.parse(line) as FromOutside;
      this.#logger[level](message, fields);
    });
    this.#post({ type: "open", pid: process.pid });
    for (const [id, target] of this.#targets) this.#post({ type: "start", id, target });
  }

  start({ pid }: EgressNamespace): WayOut {
    const target = networkOf(pid);
    const id = ++this.#lastId;
    if (target !== undefined) {
      this.#targets.set(id, target);
      this.#post({ type: "start", id, target });
    }
    return {
      // They end with the process outside, and that with this one.
      pids: () => [],
      hurry() {},
      end: () => {
        if (this.#targets.delete(id)) this.#post({ type: "end", id });
      },
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#channel?.destroy();
  }

  #post(message: ToOutside): void {
    if (this.#channel?.destroyed === false) this.#channel.write(`${JSON.stringify(message)}\n`);
  }
}
