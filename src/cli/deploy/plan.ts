/** From s.yaml to what is to be deployed: variables resolved, every key checked, nothing sent and no code read yet. */
import { CliError } from "../cli-error.ts";
import { nearMatch } from "../s-yaml/near-match.ts";
import { descend, fromPlain, type MapNode, type Place, YamlError } from "../s-yaml/node.ts";
import type { Position } from "../s-yaml/shape.ts";
import type { Template } from "../s-yaml/template.ts";
import { resolveVariables } from "../s-yaml/variables.ts";
import {
  type ActionProps,
  actionsShape,
  type DomainProps,
  documentShape,
  type Props,
  propsShape,
  serviceEntryShape,
  type TriggerProps,
} from "./shapes.ts";

/** A hook of s.yaml that runs before or after the deployment. */
export interface Action {
  readonly place: Place;
  readonly props: ActionProps;
}

/** One service of s.yaml, checked. */
export interface ServicePlan {
  /** Its key in s.yaml. */
  readonly id: string;
  /** Where its props stand, for complaints about what they name. */
  readonly place: Place;
  readonly codePlace: Place;
  readonly region: string | undefined;
  readonly service: Props["service"];
  readonly function: Props["function"];
  readonly triggers: readonly TriggerProps[];
  readonly customDomains: readonly { readonly place: Place; readonly props: DomainProps }[];
  readonly preDeploy: readonly Action[];
  readonly postDeploy: readonly Action[];
}

export interface PlanOptions {
  /** Only this service of s.yaml; absent: all. */
  readonly serviceId?: string | undefined;
  /** What `${config(NAME)}` gives. */
  readonly config: Readonly<Record<string, string>>;
  readonly note: (line: string) => void;
}

/** Checks the whole template and gives what is to be deployed, in order. Throws a YamlError at the first mistake. */
export function planTemplate(template: Template, options: PlanOptions): ServicePlan[] {
  const { note } = options;
  const document = documentShape(template.root, { way: "", place: template.root, note });
  if (document.access !== undefined) note(`${template.file}: access: not needed, Sluice uses its own credentials`);
  const plans = chosenServices(template, options.serviceId).map((id) => planService(template, id, new Map(), options));
  refuseDuplicates(plans);
  return plans;
}

/**
 * One service with its variables resolved; of services not in `outputs` yet, `${id.output...}` stays as it is. Called
 * once before anything is sent, and again, silently, for a service that names outputs of others.
 */
export function planService(
  template: Template,
  id: string,
  outputs: ReadonlyMap<string, unknown>,
  options: PlanOptions,
): ServicePlan {
  const { root, folder, env } = template;
  const written = template.services.get(id) as MapNode;
  const pending = new Set(chosenServices(template, options.serviceId));
  const scope = { root, folder, env, config: options.config, outputs, pending, serviceId: id };
  const node = resolveVariables(written, scope);
  const way = `services.${id}`;
  const position: Position = { way, place: written, note: options.note };
  const entry = serviceEntryShape(node, position);
  const propsNode = descend(node, ["props"]) ?? fromPlain({}, written);
  const place = placeOf(written, "props");
  const props = propsShape(propsNode, { ...position, way: `${way}.props`, place });
  if (entry.access !== undefined && descend(root, ["access"]) === undefined) {
    options.note(`${template.file}: ${way}.access: not needed, Sluice uses its own credentials`);
  }
  const domains = descend(propsNode, ["customDomains"]);
  return {
    id,
    place,
    codePlace: placeIn(descend(propsNode, ["function"]), "codeUri") ?? place,
    region: props.region,
    service: props.service,
    function: props.function,
    triggers: (props.triggers ?? []).filter((trigger) => trigger !== undefined),
    customDomains: (props.customDomains ?? []).map((domain, index) => ({
      props: domain,
      place: descend(domains, [String(index)]) ?? place,
    })),
    preDeploy: actionsOf(node, "pre-deploy", position),
    postDeploy: actionsOf(node, "post-deploy", position),
  };
}

/** The ids to deploy: all of the template's, or the one named. */
export function chosenServices(template: Template, serviceId: string | undefined): string[] {
  const ids = [...template.services.keys()];
  if (serviceId === undefined) return ids;
  if (ids.includes(serviceId)) return [serviceId];
  const meant = nearMatch(serviceId, ids);
  const hint = meant === undefined ? `it has ${ids.join(", ")}` : `did you mean ${meant}?`;
  throw new CliError(`${template.file} has no service "${serviceId}": ${hint}`);
}

function actionsOf(service: ReturnType<typeof resolveVariables>, when: string, position: Position): Action[] {
  const node = descend(service, ["actions", when]);
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return [];
  const way = `${position.way}.actions.${when}`;
  const actions = actionsShape(node, { ...position, way, place: node });
  return actions.map((props, index) => ({ props, place: descend(node, [String(index)]) ?? node }));
}

/** The same function twice would be deployed over itself; a function has one http trigger for each qualifier (Function Compute). */
function refuseDuplicates(plans: readonly ServicePlan[]): void {
  const seen = new Map<string, string>();
  for (const plan of plans) {
    const key = `${plan.service.name}/${plan.function.name}`;
    const first = seen.get(key);
    if (first !== undefined) {
      throw new YamlError(
        plan.place,
        `services.${plan.id}.props: expected a function of its own, but ${first} has ${key} too`,
      );
    }
    seen.set(key, plan.id);
    const byQualifier = Map.groupBy(plan.triggers, ({ qualifier = "LATEST" }) => qualifier);
    for (const [qualifier, triggers] of byQualifier) {
      if (triggers.length === 1) continue;
      const names = triggers.map((trigger) => trigger.name).join(", ");
      throw new YamlError(
        plan.place,
        `services.${plan.id}.props.triggers: expected at most one http trigger for ${qualifier}, got ${names}`,
      );
    }
  }
}

function placeOf(node: MapNode, key: string): Place {
  return placeIn(node, key) ?? node;
}

function placeIn(node: ReturnType<typeof resolveVariables> | undefined, key: string): Place | undefined {
  return node?.kind === "map" ? node.entries.get(key) : undefined;
}
