import type { Trigger } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";
import type { EndpointInfo } from "../options.ts";
import { triggerUrl } from "../trigger-url.ts";
import type { DialectTraits } from "./traits.ts";

/** The body with its triggerConfig as an object; nothing, null and an empty text are none. Throws InvalidArgument. */
export function triggerInput(body: Record<string, unknown>, traits: DialectTraits): Record<string, unknown> {
  const { triggerConfig: sent, ...others } = body;
  if (sent === undefined || sent === null || sent === "") return others;
  return { ...others, triggerConfig: traits.readTriggerConfig(sent) };
}

/** A trigger as this API answers it. */
export function triggerDocument(
  trigger: Trigger,
  endpoint: EndpointInfo,
  traits: DialectTraits,
): Record<string, unknown> {
  const { authType, methods, disableURLInternet } = trigger;
  const url = triggerUrl(trigger, endpoint);
  return {
    triggerName: trigger.triggerName,
    triggerId: trigger.triggerId,
    triggerType: trigger.triggerType,
    triggerConfig: traits.writeTriggerConfig({ authType, methods, disableURLInternet }),
    description: trigger.description,
    qualifier: trigger.qualifier,
    sourceArn: trigger.sourceArn,
    invocationRole: trigger.invocationRole,
    urlInternet: url,
    // There is one network, so the inner address is the same.
    urlIntranet: url,
    createdTime: timeText(trigger.createdAt),
    lastModifiedTime: timeText(trigger.lastModifiedAt),
  };
}
