import type { Trigger } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import { parseJson, timeText } from "../http/answers.ts";
import type { EndpointInfo } from "../options.ts";
import { triggerUrl } from "../trigger-url.ts";

/** The body with its triggerConfig, which this API has as a text that holds JSON. Throws InvalidArgument. */
export function triggerInput(body: Record<string, unknown>): Record<string, unknown> {
  const { triggerConfig: text, ...others } = body;
  if (text === undefined || text === null || text === "") return others;
  if (typeof text !== "string") return invalid("triggerConfig: expected a text that holds JSON, got an object");
  return { ...others, triggerConfig: parseJson(text, "triggerConfig") };
}

/** A trigger as this API answers it. */
export function triggerDocument(trigger: Trigger, endpoint: EndpointInfo): Record<string, unknown> {
  const { authType, methods, disableURLInternet } = trigger;
  const url = triggerUrl(trigger, endpoint);
  return {
    triggerName: trigger.triggerName,
    triggerId: trigger.triggerId,
    triggerType: trigger.triggerType,
    triggerConfig: JSON.stringify({ authType, methods, disableURLInternet }),
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
