import { type Client, isNotFound, type TriggerDocument } from "../../client/client.ts";
import { YamlError } from "../s-yaml/node.ts";
import type { ServicePlan } from "./plan.ts";

/**
 * Compares the plans with what is deployed, before hooks run and anything is sent; so it also finds out whether the
 * platform is there. Throws a YamlError where a function would get a second http trigger for a qualifier, which none can have.
 */
export async function checkAgainstPlatform(plans: readonly ServicePlan[], client: Client): Promise<void> {
  for (const plan of plans) {
    const { name: functionName } = plan.function;
    const { name: serviceName } = plan.service;
    const there = await client
      .triggers(serviceName, functionName)
      .list()
      .catch((error) => {
        if (isNotFound(error)) return [];
        throw error;
      });
    for (const { name: wanted, qualifier = "LATEST" } of plan.triggers) {
      const other = there.find(
        (each) => each.triggerName !== wanted && (each.qualifier ?? "LATEST") === qualifier && !isMoved(each, plan),
      );
      if (other === undefined) continue;
      throw new YamlError(
        plan.place,
        `services.${plan.id}.props.triggers: expected the name ${other.triggerName}, which the http trigger of ` +
          `${serviceName}/${functionName} has, got ${wanted}: keep it, or remove the function first`,
      );
    }
  }
}

/** Whether the plan gives a trigger that is there another qualifier. */
function isMoved({ triggerName, qualifier = "LATEST" }: TriggerDocument, plan: ServicePlan): boolean {
  const planned = plan.triggers.find(({ name }) => name === triggerName);
  return planned !== undefined && (planned.qualifier ?? "LATEST") !== qualifier;
}
