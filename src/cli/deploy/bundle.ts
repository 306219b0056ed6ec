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

/** Domain names of this kind come from a service of Alibaba Cloud's. */
const AUTO_DOMAIN = "auto";

/** The documents of a plan with its packed code, which a container image has none of. Reads the certificates' files; throws a YamlError for one amiss. */
export function bundleOf(
  plan: ServicePlan,
  template: Template,
  zip: Buffer | undefined,
  note: (line: string) => void = () => {},
): Bundle {
  const customDomains: CustomDomainDocument[] = [];
  for (const { props, place } of plan.customDomains) {
    if (props.domainName.toLowerCase() === AUTO_DOMAIN) {
      note(
        `${place.file}:${place.line}: domainName: auto is not minted here, the trigger's own host name serves instead`,
      );
    } else {
      customDomains.push(customDomainDocument(props, place, plan, template.folder));
    }
  }
  return {
    service: serviceDocument(plan),
    function: { ...functionDocument(plan), ...(zip && { code: { zipFile: zip.toString("base64") } }) },
    triggers: plan.triggers.map(triggerDocument),
    customDomains,
  };
}
