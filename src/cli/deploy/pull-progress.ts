import { type Clock, sleep } from "../../base/base.ts";
import type { Client } from "../../client/client.ts";

/** How often the platform is asked; it has news about once a second. */
const POLL_MS = 500;

/** Runs `work`, which writes a function, and tells meanwhile how far the pull of its image is, where there is one. */
export async function tellingPull<T>(
  client: Client,
  clock: Clock,
  { serviceName, functionName }: { readonly serviceName: string; readonly functionName: string },
  tell: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const watching = watch();
  try {
    return await work();
  } finally {
    done.abort();
    await watching;
  }

  async function watch(): Promise<void> {
    let told = "";
    try {
      for (;;) {
        await sleep(clock, POLL_MS, done.signal);
        const pulls = await client.imagePulls();
        const pull = pulls.find((each) => each.serviceName === serviceName && each.functionName === functionName);
        if (pull === undefined || pull.progress === told || done.signal.aborted) continue;
        told = pull.progress;
        tell(`${serviceName}/${functionName}: ${told}`);
      }
    } catch {
      // The work is done; or the platform cannot be asked, which the work itself says.
    }
  }
}
