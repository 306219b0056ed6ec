import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import { type Alias, LATEST } from "../../model/model.ts";
import type { Change } from "../../store/store.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { isVersionId, type Qualifiers } from "./qualifiers.ts";
import type { Repository, Stored } from "./repository.ts";
import { usersOfQualifier } from "./users-of-qualifier.ts";
import { checked, inRange, type ListQuery, name, settings, text } from "./validation.ts";

export const aliasWords: KindWords = {
  notFound: "AliasNotFound",
  alreadyExists: "AliasAlreadyExists",
  describe: (key) => `alias '${key.split("/")[1]}' of service '${key.split("/")[0]}'`,
};

/** Function Compute: an alias has its version and one more, which is the canary. */
const ADDITIONAL_COUNT_MAX = 1;

/** Versions of before that a rollback can go back through. */
const PREVIOUS_COUNT_MAX = 20;

const RANDOM_ONLY = "(this version of Sluice splits calls at random, not by their content)";

const versionId = z.custom<string>(
  (value) => value === LATEST || (typeof value === "string" && isVersionId(value)),
  "the id of a version, or LATEST",
);

const weights = z.custom<Record<string, number>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= ADDITIONAL_COUNT_MAX &&
    Object.entries(value).every(
      ([id, weight]) => isVersionId(id) && typeof weight === "number" && inRange(weight, 0, 1),
    ),
  'at most one version with its share of the calls from 0 to 1, as {"2": 0.05}',
);

const mutable = {
  description: text(256),
  versionId,
  additionalVersionWeight: weights,
  resolvePolicy: z.custom<"Random" | "">((value) => value === "Random" || value === "", `Random ${RANDOM_ONLY}`),
  routePolicy: settings({ policyItems: z.tuple([], `an empty list ${RANDOM_ONLY}`) }),
};

const updateSchema = settings(mutable);
const createSchema = updateSchema.extend({ aliasName: name(128), versionId });

export interface AliasesOptions {
  readonly services: Collection<"service">;
  readonly aliases: Collection<"alias">;
  readonly qualifiers: Qualifiers;
  readonly repository: Repository;
  readonly clock: Clock;
}

/** What a rollback did. */
export interface AliasChange {
  readonly before: Alias;
  readonly after: Alias;
}

/** Aliases: names for versions, which triggers and routes lead to. */
export class Aliases {
  readonly #services: Collection<"service">;
  readonly #aliases: Collection<"alias">;
  readonly #qualifiers: Qualifiers;
  readonly #repository: Repository;
  readonly #clock: Clock;

  constructor({ services, aliases, qualifiers, repository, clock }: AliasesOptions) {
    this.#services = services;
    this.#aliases = aliases;
    this.#qualifiers = qualifiers;
    this.#repository = repository;
    this.#clock = clock;
  }

  async create(serviceName: string, input: unknown): Promise<Stored<Alias>> {
    const given = checked(createSchema, input);
    const { aliasName } = given;
    if (aliasName === LATEST) invalid("aliasName: expected another name than LATEST, which every service has already");
    return this.#aliases.create(keyOfAlias(serviceName, aliasName), async () => {
      await this.#services.get(serviceName);
      const now = this.#clock.epochMs();
      const alias: Alias = {
        serviceName,
        aliasName,
        versionId: given.versionId,
        description: given.description ?? "",
        additionalVersionWeight: given.additionalVersionWeight ?? {},
        resolvePolicy: "Random",
        previousVersionIds: [],
        createdAt: now,
        lastModifiedAt: now,
      };
      await this.#check(alias);
      return alias;
    });
  }

  async get(serviceName: string, aliasName: string): Promise<Stored<Alias>> {
    const found = await this.#aliases.find(keyOfAlias(serviceName, aliasName));
    if (found !== undefined) return found;
    await this.#services.get(serviceName);
    return this.#aliases.get(keyOfAlias(serviceName, aliasName));
  }

  async list(serviceName: string, query: ListQuery): Promise<Page<Alias>> {
    await this.#services.get(serviceName);
    return this.#aliases.list(`${serviceName}/`, query);
  }

  async update(serviceName: string, aliasName: string, input: unknown, ifMatch?: string): Promise<Stored<Alias>> {
    const given = checked(updateSchema, input);
    await this.get(serviceName, aliasName);
    return this.#aliases.update(keyOfAlias(serviceName, aliasName), ifMatch, (current) =>
      this.#changed(current, {
        versionId: given.versionId ?? current.versionId,
        description: given.description ?? current.description,
        additionalVersionWeight: given.additionalVersionWeight ?? current.additionalVersionWeight,
      }),
    );
  }

  /**
   * Ends a split: all calls go to the main version again. Without one: points the alias at the version that it had
   * before, or, where it never had another, at the next lower one. `to`: at this one.
   */
  async rollBack(serviceName: string, aliasName: string, to?: string): Promise<AliasChange> {
    let before: Alias | undefined;
    await this.get(serviceName, aliasName);
    const { value: after } = await this.#aliases.update(
      keyOfAlias(serviceName, aliasName),
      undefined,
      async (current) => {
        before = current;
        const isSplit = Object.keys(current.additionalVersionWeight).length > 0;
        if (to !== undefined) return this.#changed(current, { versionId: to, additionalVersionWeight: {} });
        return this.#changed(current, isSplit ? { additionalVersionWeight: {} } : await this.#previous(current));
      },
    );
    return { before: before ?? after, after };
  }

  async delete(serviceName: string, aliasName: string, ifMatch?: string): Promise<void> {
    await this.get(serviceName, aliasName);
    return this.#aliases.delete(keyOfAlias(serviceName, aliasName), ifMatch, async () => {
      const user = (await usersOfQualifier(this.#repository, serviceName, aliasName))[0];
      if (user === undefined) return this.#onDemandConfigsOf(serviceName, aliasName);
      throw new ApiError(
        "AliasInUse",
        `alias '${aliasName}' of service '${serviceName}' is needed by ${user.what}: point that elsewhere first`,
      );
    });
  }

  /** Without its alias a limit means nothing. */
  async #onDemandConfigsOf(serviceName: string, aliasName: string): Promise<Change[]> {
    const all = await this.#repository.list("onDemandConfig", { prefix: `${serviceName}/` });
    return all
      .filter(({ value }) => value.qualifier === aliasName)
      .map(({ key }) => this.#repository.delete("onDemandConfig", key));
  }

  async #changed(current: Alias, change: Partial<Alias>): Promise<Alias> {
    const changed: Alias = { ...current, ...change, lastModifiedAt: this.#clock.epochMs() };
    await this.#check(changed);
    if (changed.versionId === current.versionId || change.previousVersionIds !== undefined) return changed;
    const previous = [...current.previousVersionIds, current.versionId];
    return { ...changed, previousVersionIds: previous.slice(-PREVIOUS_COUNT_MAX) };
  }

  /** The versions are there, and hold every function that is reached under this alias. */
  async #check(alias: Alias): Promise<void> {
    const { serviceName, aliasName, versionId: main, additionalVersionWeight } = alias;
    if (main in additionalVersionWeight) {
      throw new ApiError(
        "AdditionalVersionContainsMajorVersion",
        `additionalVersionWeight ${JSON.stringify(additionalVersionWeight)} should not contain major version ${main}`,
      );
    }
    const versionIds = [main, ...Object.keys(additionalVersionWeight)];
    for (const id of versionIds) await this.#qualifiers.get(serviceName, id);
    for (const { functionName, what } of await usersOfQualifier(this.#repository, serviceName, aliasName)) {
      for (const id of versionIds) {
        if ((await this.#qualifiers.function(serviceName, id, functionName)) !== undefined) continue;
        const field = id === main ? "versionId" : "additionalVersionWeight";
        invalid(`${field}: expected a version with function '${functionName}', which ${what} leads to, got "${id}"`);
      }
    }
  }

  async #previous(current: Alias): Promise<Pick<Alias, "versionId" | "previousVersionIds">> {
    const { serviceName, aliasName, versionId: from, previousVersionIds } = current;
    const versions = await this.#repository.list("version", { prefix: `${serviceName}/` });
    const ids = versions.map(({ value }) => value.versionId);
    for (let index = previousVersionIds.length - 1; index >= 0; index -= 1) {
      const id = previousVersionIds[index] as string;
      if (id !== from && (id === LATEST || ids.includes(id))) {
        return { versionId: id, previousVersionIds: previousVersionIds.slice(0, index) };
      }
    }
    const numbers = ids.map(Number).filter((number) => from === LATEST || number < Number(from));
    if (numbers.length === 0) {
      throw new ApiError(
        "NothingToRollBackTo",
        `alias '${aliasName}' of service '${serviceName}' points at version ${from}, and there is no version before it`,
      );
    }
    return { versionId: String(Math.max(...numbers)), previousVersionIds: [] };
  }
}

export function keyOfAlias(serviceName: string, aliasName: string): string {
  return `${serviceName}/${aliasName}`;
}
