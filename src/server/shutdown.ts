import { Socket } from "node:net";
import { type Clock, sleep } from "../base/base.ts";

/** A terminal sends SIGINT to the launcher and to us; the launcher passes it on: the same one, twice. */
const SAME_SIGNAL_MS = 300;
const PARENT_LOOK_MS = 500;

export interface StopRequests {
  /** Stop: finish calls first. */
  drain(reason: string): void;
  /** Stop now. */
  exit(reason: string): void;
}

/**
 * Everything that asks this process to stop: SIGTERM and SIGINT (a second one means now), the death of the launcher
 * (now), and that of npm or npx, which do not pass SIGTERM on.
 */
export function listenForStop(requests: StopRequests, clock: Clock): void {
  let firstAt = Number.POSITIVE_INFINITY;
  const onSignal = (signal: NodeJS.Signals) => {
    const nowMs = clock.nowMs();
    if (firstAt === Number.POSITIVE_INFINITY) {
      firstAt = nowMs;
      requests.drain(signal);
    } else if (nowMs - firstAt > SAME_SIGNAL_MS) {
      requests.exit(`a second ${signal}`);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("SIGHUP", onSignal);
  watchLauncher(() => requests.exit("the launcher is gone"));
  if (process.env["npm_command"] !== undefined) void watchParent(() => requests.drain("npm is gone"), clock);
}

/**
 * The launcher holds the other end of this pipe, which closes when it dies, however it dies. To wait for that keeps this
 * process from ending no more than a timer does: the launcher waits for us.
 */
function watchLauncher(gone: () => void): void {
  const [parent, descriptor] = (process.env["SLUICE_LAUNCHER"] ?? "").split(":").map(Number);
  delete process.env["SLUICE_LAUNCHER"];
  if (parent !== process.ppid || descriptor === undefined) return;
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  pipe.once("close", gone);
  pipe.on("error", () => {});
  pipe.resume();
  pipe.unref();
}

async function watchParent(gone: () => void, clock: Clock): Promise<void> {
  const parent = process.ppid;
  while (process.ppid === parent) await sleep(clock, PARENT_LOOK_MS);
  gone();
}
