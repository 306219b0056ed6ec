/** From a function's settings to what its instances are asked beside calls: only what is switched on. Pure. */
import type { FunctionResource, HealthCheck, HookSetting, InstanceHooks } from "../model/model.ts";

/** Where a hook has no timeout of its own. */
const HOOK_TIMEOUT_S = 3;

/** Undefined where no hook is on. */
export function hooksOf(resource: FunctionResource): InstanceHooks | undefined {
  const { initializer, initializationTimeout, instanceLifecycleConfig: { preFreeze, preStop } = {} } = resource;
  const hooks: InstanceHooks = {
    ...(initializer !== "" && { initialize: { timeoutMs: initializationTimeout * 1000 } }),
    ...(isOn(preFreeze) && { preFreeze: { timeoutMs: timeoutMsOf(preFreeze) } }),
    ...(isOn(preStop) && { preStop: { timeoutMs: timeoutMsOf(preStop) } }),
  };
  return Object.keys(hooks).length === 0 ? undefined : hooks;
}

/** Undefined where the check is off. Defaults are Function Compute's. */
export function healthCheckOf({ customHealthCheckConfig: check }: FunctionResource): HealthCheck | undefined {
  if (!check?.httpGetUrl) return undefined;
  return {
    path: check.httpGetUrl,
    initialDelayMs: (check.initialDelaySeconds ?? 0) * 1000,
    periodMs: (check.periodSeconds ?? 3) * 1000,
    timeoutMs: (check.timeoutSeconds ?? 1) * 1000,
    failureThreshold: check.failureThreshold ?? 3,
    successThreshold: check.successThreshold ?? 1,
  };
}

function isOn(hook: HookSetting | undefined): hook is HookSetting {
  return hook?.handler !== undefined && hook.handler !== "";
}

function timeoutMsOf(hook: HookSetting): number {
  return (hook.timeout ?? HOOK_TIMEOUT_S) * 1000;
}
