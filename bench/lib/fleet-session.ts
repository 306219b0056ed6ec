/** A Sluice with many functions and the one that is called; and a client of its API. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/base.ts";
import { Client } from "../../src/client/client.ts";
import { type Info, Sluice } from "../../test/support/sluice.ts";
import { cpuTimeMs } from "./cpu-time.ts";
import { addFleet } from "./fleet-store.ts";
import { ONE_ADDRESS } from "./one-address.ts";
import { deployPlain, isFunction } from "./plain-function.ts";

/** A start far beyond the bar is a figure too. */
const START_TIMEOUT_MS = 300_000;

export interface FleetSession extends AsyncDisposable {
  readonly sluice: Sluice;
  readonly client: Client;
  /** The function that is called, `plain`. */
  readonly info: Info;
  /** From the command to the line that says it is ready, with so many functions. */
  readonly startMs: number;
  /** CPU time of all of Sluice until then. */
  readonly startCpuMs: number;
}

/** Plain processes: what is looked at is the state, not the isolation. `before`: with the one function alone. */
export async function startFleet(
  count: number,
  before: (sluice: Sluice, info: Info) => Promise<void> = async () => undefined,
): Promise<FleetSession> {
  const dataDir = mkdtempSync(join(tmpdir(), "sluice-fleet-"));
  try {
    const options = { dataDir, isolation: "process", configuration: ONE_ADDRESS } as const;
    {
      await using small = await Sluice.start(options);
      await before(small, await deployPlain(small));
    }
    await addFleet(dataDir, "test/plain", count);
    const beganAt = performance.now();
    const sluice = await Sluice.start({ ...options, readyTimeoutMs: START_TIMEOUT_MS });
    const startMs = performance.now() - beganAt;
    const startCpuMs = cpuTimeMs(sluice.endpoint.pid, isFunction);
    const client = clientOf(sluice);
    const info = (await client.functionInfos()).find(({ functionName }) => functionName === "plain") as unknown as Info;
    const dispose = async () => {
      await sluice.stop();
      rmSync(dataDir, { recursive: true });
    };
    return { sluice, client, info, startMs, startCpuMs, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    rmSync(dataDir, { recursive: true });
    throw error;
  }
}

function clientOf(sluice: Sluice): Client {
  const credentials = JSON.parse(readFileSync(join(sluice.dataDir, "credentials.json"), "utf8"));
  return new Client({ apiUrl: sluice.endpoint.apiUrl, ...credentials }, systemClock);
}

/** Milliseconds of each of so many. */
export async function timed(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const beganAt = performance.now();
    await work(index);
    took.push(performance.now() - beganAt);
  }
  return took;
}
