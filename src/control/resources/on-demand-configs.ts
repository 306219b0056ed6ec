import type { OnDemandSetting } from "../../model/model.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { configQualifier, describeConfig, keyOfConfig, pageOf, type QualifiedName } from "./function-configs.ts";
import type { Functions } from "./functions.ts";
import type { Repository, Stored } from "./repository.ts";
import { checked, integer, type ListQuery, listRange, settings } from "./validation.ts";

export const onDemandWords: KindWords = {
  notFound: "OnDemandConfigNotFound",
  // It is put, never created.
  alreadyExists: "ConcurrentUpdateError",
  describe: (key) => describeConfig("on-demand", key),
};

const INSTANCES_MAX = 10_000;

const maximumInstanceCount = integer(0, INSTANCES_MAX, "instances; 0 blocks the function");
const schema = settings({}).extend({ maximumInstanceCount });

/** On-demand configs: most instances of a function under a qualifier. */
export class OnDemandConfigs {
  readonly #configs: Collection<"onDemandConfig">;
  readonly #functions: Functions;
  readonly #repository: Repository;

  constructor(configs: Collection<"onDemandConfig">, functions: Functions, repository: Repository) {
    this.#configs = configs;
    this.#functions = functions;
    this.#repository = repository;
  }

  async put(name: QualifiedName, input: unknown, ifMatch?: string): Promise<Stored<OnDemandSetting>> {
    const given = checked(schema, input);
    const of = { ...name, qualifier: configQualifier(name.qualifier) };
    return this.#configs.put(keyOfConfig(of), ifMatch, async () => {
      await this.#functions.check(of.serviceName, of.functionName, of.qualifier);
      return { ...of, ...given };
    });
  }

  async get(name: QualifiedName): Promise<Stored<OnDemandSetting>> {
    const found = await this.#configs.find(keyOfConfig(name));
    if (found !== undefined) return found;
    await this.#functions.get(name.serviceName, name.functionName, name.qualifier);
    return this.#configs.get(keyOfConfig(name));
  }

  /** `prefix`, `startKey` and `nextToken` are (beginnings of) names that `onDemandResource` gives. */
  async list(query: ListQuery): Promise<Page<OnDemandSetting>> {
    const range = listRange(query);
    return pageOf(await this.#repository.list("onDemandConfig"), onDemandResource, range);
  }

  async delete(name: QualifiedName, ifMatch?: string): Promise<void> {
    await this.get(name);
    return this.#configs.delete(keyOfConfig(name), ifMatch, async () => undefined);
  }
}

/** The config's name, as tools take it apart. */
export function onDemandResource({ serviceName, functionName, qualifier }: QualifiedName): string {
  return `services/${serviceName}.${qualifier}/functions/${functionName}`;
}
