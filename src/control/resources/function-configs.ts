import { LATEST } from "../../model/model.ts";
import type { Change } from "../../store/store.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { Page } from "./collection.ts";
import { isVersionId } from "./qualifiers.ts";
import type { Repository, Stored } from "./repository.ts";
import { checked, qualifier as qualifierSchema } from "./validation.ts";

/** Names a function under a qualifier. */
export interface QualifiedName {
  readonly serviceName: string;
  readonly functionName: string;
  readonly qualifier: string;
}

/** What configs of functions under a qualifier (on-demand, provision) mean to the function itself. */
export class FunctionConfigs {
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /**
   * The configs that go with a function. Rejects with ProvisionConfigExist while instances are provisioned, as Function
   * Compute does. `below`: `service/function/`.
   */
  async deletionsBelow(below: string): Promise<Change[]> {
    const provisions = await this.#repository.list("provisionConfig", { prefix: below });
    const held = provisions.find(({ value }) => value.config.target > 0)?.value;
    if (held !== undefined) {
      throw new ApiError(
        "ProvisionConfigExist",
        `function '${held.functionName}' has ${held.config.target} provisioned instances under '${held.qualifier}': put a provision config with target 0 first`,
      );
    }
    const limits = await this.#repository.list("onDemandConfig", { prefix: below });
    return [
      ...provisions.map(({ key }) => this.#repository.delete("provisionConfig", key)),
      ...limits.map(({ key }) => this.#repository.delete("onDemandConfig", key)),
    ];
  }
}

/** The key of a function's config under a qualifier. */
export function keyOfConfig({ serviceName, functionName, qualifier }: QualifiedName): string {
  return `${serviceName}/${functionName}/${qualifier}`;
}

/** In words, of a key. */
export function describeConfig(what: string, key: string): string {
  const [serviceName, functionName, qualifier] = key.split("/");
  return `the ${what} config of function '${functionName}' of service '${serviceName}' under '${qualifier}'`;
}

/** Function Compute: versions have none, since an alias says which of them serves. */
export function configQualifier(given: string): string {
  const wanted = checked(qualifierSchema, given);
  if (!isVersionId(wanted)) return wanted;
  return invalid(`qualifier: expected ${LATEST} or the name of an alias, got ${JSON.stringify(given)}`);
}

/** One page of configs in the order of how they are named. */
export function pageOf<T>(
  all: readonly Stored<T>[],
  nameOf: (value: T) => string,
  { prefix, startKey, limit }: { prefix: string; startKey: string; limit: number },
): Page<T> {
  const named = all
    .map((stored) => ({ stored, name: nameOf(stored.value) }))
    .filter(({ name }) => name.startsWith(prefix) && name >= startKey)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const next = named[limit];
  return { items: named.slice(0, limit).map(({ stored }) => stored), ...(next && { nextToken: next.name }) };
}
