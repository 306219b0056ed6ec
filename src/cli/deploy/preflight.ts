import { type Client, isNotFound } from "../../client/client.ts";
import { YamlError } from "../s-yaml/node.ts";
import type { ServicePlan } from "./plan.ts";

/**
 * Compares the plans with what is deployed, before hooks run and anything is sent; so it also finds out whether the
 * platform is there. Throws a YamlError where a function would get a second http trigger, which none can have.
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
    const wanted = plan.triggers[0]?.name;
    const other = there.find(({ triggerName }) => wanted !== undefined && triggerName !== wanted);
    if (other !== undefined) {
      throw new YamlError(
        plan.place,
        `services.${plan.id}.props.triggers: expected the name ${other.triggerName}, which the http trigger of ` +
          `${serviceName}/${functionName} has, got ${wanted}: keep it, or remove the function first`,
      );
    }
  }
}
