import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, signal } from "../../../src/drivers/host/process-tree.ts";
import { processesNaming } from "../../../src/drivers/testing/host-inventory.ts";
import { descendantsOf } from "../../support/processes.ts";
import { roleOf } from "./fleet.ts";
import { type Platform, SERVICE } from "./platform.ts";
import type { Disturbance } from "./schedule.ts";

/** A disturbance that was made, between these Unix epoch milliseconds. */
export interface Happened {
  readonly disturbance: Disturbance;
  readonly fromAt: number;
  readonly untilAt: number;
  /** Of `kill` and `stop`: whom it hit; undefined: nobody was there. */
  readonly instanceId?: string;
  /** An API request that failed. */
  readonly problem?: string;
}

/** Makes all disturbances, each at its time after `startedAt` (Unix epoch milliseconds). */
export function disturb(
  platform: Platform,
  disturbances: readonly Disturbance[],
  startedAt: number,
): Promise<Happened[]> {
  return Promise.all(
    disturbances.map(async (disturbance) => {
      await sleep(startedAt + disturbance.atMs - Date.now());
      const fromAt = Date.now();
      try {
        const instanceId = await make(platform, disturbance);
        return { disturbance, fromAt, untilAt: Date.now(), ...(instanceId !== undefined && { instanceId }) };
      } catch (error) {
        return { disturbance, fromAt, untilAt: Date.now(), problem: String(error) };
      }
    }),
  );
}

async function make(platform: Platform, disturbance: Disturbance): Promise<string | undefined> {
  const { role } = disturbance;
  switch (disturbance.kind) {
    case "kill": {
      const victim = await pickInstance(platform, disturbance);
      if (victim !== undefined) signal(victim.pid, "SIGKILL");
      return victim?.instanceId;
    }
    case "stop": {
      const victim = await pickInstance(platform, disturbance);
      if (victim === undefined) return undefined;
      signal(victim.pid, "SIGSTOP");
      const goesOnAt = Date.now() + disturbance.forMs;
      while (Date.now() < goesOnAt && isRunning(victim.pid)) await sleep(20);
      signal(victim.pid, "SIGCONT");
      return victim.instanceId;
    }
    case "redeploy":
      await platform.client.functions(SERVICE).update(role, {
        environmentVariables: { ...platform.environmentOf(roleOf(role)), ...disturbance.environment },
        customRuntimeConfig: { command: [`./${disturbance.program ?? roleOf(role).program}`] },
      });
      return undefined;
    case "remove":
      await platform.client.triggers(SERVICE, role).delete("http");
      await platform.client.functions(SERVICE).delete(role);
      return undefined;
    default:
      return disturbance satisfies never;
  }
}

/** An instance that takes calls, and its program's process. */
async function pickInstance(
  platform: Platform,
  { role, pick }: { readonly role: string; readonly pick: number },
): Promise<{ readonly instanceId: string; readonly pid: number } | undefined> {
  const infos = await platform.client.functionInfos();
  const instances = infos.find((info) => info.functionName === role)?.instances ?? [];
  const ready = instances.filter((instance) => instance.phase === "ready");
  const instance = ready[pick % ready.length];
  if (instance === undefined) return undefined;
  const own = new Set(processesNaming(instance.instanceId));
  const program = descendantsOf(platform.pid).find(
    ({ pid, commandLine }) => commandLine.startsWith("./echo") && own.has(pid),
  );
  return program && { instanceId: instance.instanceId, pid: program.pid };
}
