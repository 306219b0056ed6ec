import type { CustomDomainDocument, FunctionDocument, ServiceDocument, TriggerDocument } from "../../client/client.ts";
import type { Template } from "../s-yaml/template.ts";
import { customDomainDocument, functionDocument, serviceDocument, triggerDocument } from "./documents.ts";
import type { ServicePlan } from "./plan.ts";

/** Everything that is sent for one service of s.yaml. */
export interface Bundle {
  readonly service: ServiceDocument;
  readonly function: FunctionDocument;
  readonly triggers: readonly TriggerDocument[];
  readonly customDomains: readonly CustomDomainDocument[];
}

/** The documents of a plan with its code, which a container image has none of. Reads the certificates' files; throws a YamlError for one amiss. */
export function bundleOf(plan: ServicePlan, template: Template, code: FunctionDocument["code"]): Bundle {
  return {
    service: serviceDocument(plan),
    function: { ...functionDocument(plan), ...(code && { code }) },
    triggers: plan.triggers.map(triggerDocument),
    customDomains: plan.customDomains.map(({ props, place }) =>
      customDomainDocument(props, place, plan, template.folder),
    ),
  };
}
