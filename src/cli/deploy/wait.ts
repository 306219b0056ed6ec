/** Waiting until new code answers calls, or is known not to. */
import { type Clock, sleep } from "../../base/base.ts";
import { type Client, type FunctionInfo, LATEST } from "../../client/client.ts";
import { CliError } from "../cli-error.ts";

/** How often the platform is asked. */
const POLL_MS = 100;
/** The platform's own start limit is 120 s; a little more, so that its reason arrives. */
const WAIT_MAX_MS = 130_000;

export type Progress =
  | { readonly state: "waiting" }
  | { readonly state: "ready" }
  | { readonly state: "failed"; readonly reason: string };

/** How far the function has come with the revision that it asks for. Pure. */
export function progressOf(info: FunctionInfo): Progress {
  const wanted = info.revisionId;
  if (info.next?.state === "failed" && info.next.revisionId === wanted) {
    return { state: "failed", reason: info.next.reason ?? info.reason ?? "the platform gives no reason" };
  }
  // Without a serving revision nothing was started yet: the first call starts this one.
  const isSwitched = info.servingRevisionId === undefined || info.servingRevisionId === wanted;
  return { state: isSwitched ? "ready" : "waiting" };
}

/**
 * Waits until calls go to the newest revision of a function and gives how it stands then. Throws a CliError with the
 * reason and the last lines of stderr when the new revision does not start.
 */
export async function waitForRevision(
  client: Client,
  clock: Clock,
  serviceName: string,
  functionName: string,
): Promise<FunctionInfo> {
  const startedAt = clock.nowMs();
  for (;;) {
    const infos = await client.functionInfosOf(serviceName, functionName);
    const info = infos.find(({ qualifier }) => qualifier === LATEST);
    if (info === undefined) throw new CliError(`${serviceName}/${functionName} was removed while it was deployed`);
    const progress = progressOf(info);
    if (progress.state === "ready") return info;
    if (progress.state === "failed") throw startFailure(info, progress.reason);
    if (clock.nowMs() - startedAt > WAIT_MAX_MS) {
      throw new CliError(
        `${serviceName}/${functionName}: the new revision did not start within ${WAIT_MAX_MS / 1000} s, the old one serves on: see 'sluice logs ${serviceName}/${functionName}'`,
      );
    }
    await sleep(clock, POLL_MS);
  }
}

function startFailure(info: FunctionInfo, reason: string): CliError {
  const name = `${info.serviceName}/${info.functionName}`;
  const told = info.reason?.includes(reason) ? info.reason : [info.reason, reason].filter(Boolean).join("; ");
  return new CliError(`${name}: ${told}`);
}
