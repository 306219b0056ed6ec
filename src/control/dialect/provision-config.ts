import type { Hono } from "hono";
import {
  functionKey,
  type ProvisionSetting,
  type ScheduledAction,
  type TargetTrackingPolicy,
} from "../../model/model.ts";
import { jsonBody, timeText } from "../http/answers.ts";
import type { ApiEnv } from "../http/env.ts";
import { provisionResource } from "../resources/resources.ts";
import type { DialectContext } from "./dialect.ts";
import { qualifiedName } from "./parameters.ts";

const PATH = "/services/:serviceName/functions/:functionName/provision-config";

/** Provisioned instances: put, read, and listed over all services; a put of target 0 takes the place of a deletion. */
export function addProvisionConfigs(app: Hono<ApiEnv>, context: DialectContext): void {
  const { provisionConfigs } = context.resources;
  app.put(PATH, async (c) => c.json(document(await provisionConfigs.put(qualifiedName(c), jsonBody(c)), context)));
  app.get(PATH, async (c) => c.json(document(await provisionConfigs.get(qualifiedName(c)), context)));
  app.get("/provision-configs", async (c) => {
    const { items, nextToken } = await provisionConfigs.list(c.req.query());
    return c.json({ provisionConfigs: items.map(({ value }) => document(value, context)), nextToken });
  });
}

/** `target` is the one that was put; `current` counts the instances that are ready. */
function document(setting: ProvisionSetting, { accountId, board }: DialectContext): Record<string, unknown> {
  const { serviceName, functionName, qualifier, config } = setting;
  const status = board.of(functionKey(serviceName, functionName, qualifier))?.provision;
  return {
    resource: `${accountId}#${provisionResource(setting)}`,
    target: config.target,
    current: status?.current ?? 0,
    currentError: status?.currentError ?? "",
    alwaysAllocateCPU: config.alwaysAllocateCpu,
    scheduledActions: config.scheduledActions.map(spanDocument),
    targetTrackingPolicies: config.targetTrackingPolicies.map(spanDocument),
  };
}

function spanDocument({ startAt, endAt, ...rest }: ScheduledAction | TargetTrackingPolicy): Record<string, unknown> {
  return { ...rest, startTime: timeText(startAt), endTime: timeText(endAt) };
}
