import { type Fault, type FunctionKey, fault } from "../model/model.ts";
import type { SchedulerLimits } from "./limits.ts";
import type { ScaleLimit } from "./scaling/scale-decision.ts";

/** What the scheduler tells a call that gets no slot: which limit it met, and where that is set. */

export function sluiceStops(): Fault {
  return fault("Unavailable", "Sluice is stopping");
}

export function functionGone(key: FunctionKey): Fault {
  return fault("Unavailable", `the function ${key} is not there (any more)`);
}

export function functionBlocked(key: FunctionKey): Fault {
  return fault("ResourceExhausted", `the function ${key} is blocked: its maximumInstanceCount is 0`);
}

export function queueFull(key: FunctionKey, limits: SchedulerLimits): Fault {
  return fault("ResourceExhausted", `${limits.queueCallsMax} calls of ${key} wait for an instance, which is the limit`);
}

export function noMemory(memoryMb: number, limits: SchedulerLimits): Fault {
  return fault(
    "Unavailable",
    `no room to start an instance of ${memoryMb} MB within the ${limits.hostMemoryMb} MB of memory given to instances`,
  );
}

/** No instance takes calls, for no other reason than its health check. */
export function allUnhealthy(instances: number): Fault {
  return fault("HealthCheckFailed", `the health checks of all ${instances} instances fail`);
}

/** What keeps provisioned instances from being started. */
export function limitReached(limit: ScaleLimit, memoryMb: number, limits: SchedulerLimits): string {
  const words: Readonly<Record<ScaleLimit, string>> = {
    backOff: "starts fail",
    function: "the function is at its maximumInstanceCount",
    account: `all functions together are at their ${limits.instancesMax} instances`,
    growth: "instances grow too fast",
    host: noMemory(memoryMb, limits).message,
  };
  return words[limit];
}

/** The wait in the queue is over. `limitedBy`: what kept more instances from starting; undefined: starts that hang. */
export function waitOver(
  waitedMs: number,
  seen: {
    readonly limitedBy: ScaleLimit | undefined;
    readonly instances: number;
    readonly instanceConcurrency: number;
    readonly memoryMb: number;
  },
  limits: SchedulerLimits,
): Fault {
  const waited = `no slot became free within ${Math.floor(waitedMs / 1000)} s`;
  const at = `${seen.instances} instances with up to ${seen.instanceConcurrency} calls each`;
  switch (seen.limitedBy) {
    case "function":
      return fault("ResourceExhausted", `${waited}: the function is at its maximumInstanceCount, ${at}`);
    case "account":
      return fault(
        "ResourceExhausted",
        `${waited}: all functions together are at their ${limits.instancesMax} instances`,
      );
    case "growth":
      return fault(
        "ResourceExhausted",
        `${waited}: instances grow no faster than by ${limits.growthPerMinute} a minute after ${limits.growthBurst}`,
      );
    case "host":
      return fault("Unavailable", `${waited}: ${noMemory(seen.memoryMb, limits).message}`);
    default:
      return fault("ResourceExhausted", `${waited}: ${at}, and no other came up`);
  }
}
