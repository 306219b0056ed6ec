/**
 * Settings of what an instance is asked beside calls: hooks and health check (Function Compute, "Lifecycle hooks" and
 * "Configure health checks for instances").
 */
import { z } from "zod";
import type { FunctionResource } from "../../model/model.ts";
import { defined } from "./defined.ts";
import { integer, settings, text } from "./validation.ts";

/** An empty handler switches the hook off; tools send it so. */
const hook = settings({ handler: text(1024), timeout: integer(1, 90, "seconds") }).transform(defined);

export const instanceLifecycleConfig = settings({ preFreeze: hook, preStop: hook }).transform(defined);

const URL_MAX_CHARS = 2048;

export const customHealthCheckConfig = settings({
  httpGetUrl: z.custom<string>(
    (value) => value === "" || (typeof value === "string" && value.length <= URL_MAX_CHARS && isPath(value)),
    `a path of at most ${URL_MAX_CHARS} characters that begins with /, or nothing to switch the check off`,
  ),
  initialDelaySeconds: integer(0, 120, "seconds"),
  periodSeconds: integer(1, 120, "seconds"),
  timeoutSeconds: integer(1, 3, "seconds"),
  failureThreshold: integer(1, 120, "checks"),
  successThreshold: integer(1, 120, "checks"),
}).transform(defined);

type Lifecycle = Pick<FunctionResource, "instanceLifecycleConfig" | "customHealthCheckConfig">;

/** What both are after an update, which changes the keys that it names and no others. */
export function lifecycleAfter(
  current: FunctionResource,
  given: { [Key in keyof Lifecycle]: Lifecycle[Key] | undefined },
): Lifecycle {
  const { instanceLifecycleConfig: hooks, customHealthCheckConfig: check } = given;
  const before = current.instanceLifecycleConfig ?? {};
  return {
    ...(hooks && {
      instanceLifecycleConfig: {
        ...before,
        ...(hooks.preFreeze && { preFreeze: { ...before.preFreeze, ...hooks.preFreeze } }),
        ...(hooks.preStop && { preStop: { ...before.preStop, ...hooks.preStop } }),
      },
    }),
    ...(check && { customHealthCheckConfig: { ...current.customHealthCheckConfig, ...check } }),
  };
}

/** Path and query as they can stand in a request (RFC 9113 §8.3.1): visible ASCII, without a fragment. */
function isPath(text: string): boolean {
  return /^\/[!"$-~]*$/.test(text);
}
