/** Reads what resources put into the data plane: a function's entries under every qualifier, a domain's. */
import {
  type CustomDomain,
  type DataPlaneEntry,
  type DomainRoute,
  type FunctionEntry,
  LATEST,
  type Trigger,
} from "../../model/model.ts";
import { keyOfConfig, Qualifiers, type Reads } from "../resources/resources.ts";
import { InvokedQualifiers } from "./invoked-qualifiers.ts";
import {
  domainEntries,
  type FunctionVersion,
  functionEntry,
  type ProjectionContext,
  type QualifiedFunction,
  triggerRoute,
} from "./projection.ts";
import { RouteIndex } from "./route-index.ts";

/** What a function puts into the data plane. */
export interface FunctionReading {
  readonly entries: readonly DataPlaneEntry[];
  /** Everything that it runs, under every qualifier. */
  readonly versions: readonly (readonly [FunctionEntry, QualifiedFunction])[];
}

export class DataPlaneReader {
  /** Holds what was read of domains, and has to be told which are gone. */
  readonly routes: RouteIndex;
  readonly #repository: Reads;
  readonly #qualifiers: Qualifiers;
  readonly #context: ProjectionContext;

  readonly #invoked: InvokedQualifiers;

  /** `routes`: what another reader has been told. */
  constructor(
    repository: Reads,
    context: ProjectionContext,
    invoked = new InvokedQualifiers(),
    routes = new RouteIndex(),
  ) {
    this.routes = routes;
    this.#repository = repository;
    this.#invoked = invoked;
    this.#qualifiers = new Qualifiers(repository);
    this.#context = context;
  }

  /**
   * A function as it stands, the hosts of its triggers, and what it runs under each other qualifier that a trigger or a
   * route leads to, that has provisioned instances, or under
   * which the API invoked it.
   */
  async function(serviceName: string, functionName: string): Promise<FunctionReading> {
    const triggers = await this.#triggersOf(serviceName, functionName);
    const qualifiers = new Set([LATEST, ...triggers.map(({ qualifier }) => qualifier)]);
    for (const qualifier of this.routes.qualifiersOf(serviceName, functionName)) {
      if (triggerFor(triggers, qualifier) !== undefined) qualifiers.add(qualifier);
    }
    for (const qualifier of await this.provisionedQualifiers(serviceName, functionName)) qualifiers.add(qualifier);
    for (const qualifier of this.#invoked.of(serviceName, functionName)) qualifiers.add(qualifier);
    const versions: [FunctionEntry, QualifiedFunction][] = [];
    for (const qualifier of qualifiers) {
      const qualified = await this.qualified(serviceName, functionName, qualifier);
      if (qualified !== undefined) versions.push([functionEntry(qualified, this.#context), qualified]);
    }
    const there = new Set(versions.map(([entry]) => entry.function));
    const routes = triggers.map(triggerRoute).filter((route) => there.has(route.function));
    return { entries: [...versions.map(([entry]) => entry), ...routes], versions };
  }

  /** What a function runs under a qualifier; undefined where it is not there. */
  async qualified(
    serviceName: string,
    functionName: string,
    qualifier: string,
  ): Promise<QualifiedFunction | undefined> {
    const meaning = await this.#qualifiers.find(serviceName, qualifier);
    const main = meaning && (await this.#version(serviceName, functionName, meaning.main));
    if (meaning === undefined || main === undefined) return undefined;
    const additional: (FunctionVersion & { weight: number })[] = [];
    for (const { versionId, weight } of meaning.additional) {
      const version = await this.#version(serviceName, functionName, versionId);
      if (version !== undefined) additional.push({ ...version, weight });
    }
    const key = keyOfConfig({ serviceName, functionName, qualifier });
    const limit = await this.#repository.get("onDemandConfig", key);
    const provision = await this.#repository.get("provisionConfig", key);
    return {
      qualifier,
      main,
      additional,
      ...(limit && { maximumInstanceCount: limit.value.maximumInstanceCount }),
      ...(provision && { provision: provision.value.config }),
    };
  }

  /** Qualifiers under which a function has a provision config. */
  async provisionedQualifiers(serviceName: string, functionName: string): Promise<string[]> {
    const found = await this.#repository.list("provisionConfig", { prefix: `${serviceName}/${functionName}/` });
    return found.map(({ value }) => value.qualifier);
  }

  async domain(domain: CustomDomain): Promise<DataPlaneEntry[]> {
    const triggers = new Map<DomainRoute, Trigger>();
    for (const route of domain.routes) {
      const { serviceName, functionName, qualifier } = route;
      const trigger = triggerFor(await this.#triggersOf(serviceName, functionName), qualifier);
      if (trigger !== undefined) triggers.set(route, trigger);
    }
    return domainEntries(domain, (route) => triggers.get(route));
  }

  async #version(serviceName: string, functionName: string, versionId: string): Promise<FunctionVersion | undefined> {
    const service = await this.#qualifiers.service(serviceName, versionId);
    const resource = await this.#qualifiers.function(serviceName, versionId, functionName);
    return service && resource && { versionId, service: service.value, resource: resource.value };
  }

  async #triggersOf(serviceName: string, functionName: string): Promise<Trigger[]> {
    const prefix = `${serviceName}/${functionName}/`;
    return (await this.#repository.list("trigger", { prefix })).map(({ value }) => value);
  }
}

/** The trigger that says what is asked of a route's callers: that of its qualifier, else the one of LATEST. */
export function triggerFor(triggers: readonly Trigger[], qualifier: string): Trigger | undefined {
  const of = (wanted: string) => triggers.find((trigger) => trigger.qualifier === wanted);
  return of(qualifier) ?? of(LATEST);
}
