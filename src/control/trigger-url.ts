import type { Trigger } from "../model/model.ts";
import type { EndpointInfo } from "./options.ts";

/** Where a trigger is called, by the gateway's port of now. */
export function triggerUrl(trigger: Pick<Trigger, "host">, endpoint: EndpointInfo): string {
  return `https://${trigger.host}:${endpoint.grpcPort}`;
}
