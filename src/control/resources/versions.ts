import type { Clock } from "../../base/base.ts";
import type { Version } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import { type Collection, checkPrecondition, type KindWords, type Page } from "./collection.ts";
import { isVersionId, versionNotFound } from "./qualifiers.ts";
import type { Repository, Stored } from "./repository.ts";
import { serviceWords } from "./services.ts";
import { usersOfQualifier } from "./users-of-qualifier.ts";
import { checked, type ListQuery, listRange, settings, text } from "./validation.ts";
import type { Writer } from "./writer.ts";

export const versionWords: KindWords = {
  notFound: "VersionNotFound",
  // Ids are counted, so that none is there before.
  alreadyExists: "ConcurrentUpdateError",
  describe: (key) => `version '${key.split("/")[1]}' of service '${key.split("/")[0]}'`,
};

const publishSchema = settings({ description: text(256) });

export type VersionDirection = "FORWARD" | "BACKWARD";

export interface VersionQuery extends ListQuery {
  readonly direction?: string | undefined;
}

export interface VersionPage extends Page<Version> {
  readonly direction: VersionDirection;
}

export interface VersionsOptions {
  readonly services: Collection<"service">;
  readonly versions: Collection<"version">;
  readonly repository: Repository;
  readonly writer: Writer;
  readonly clock: Clock;
}

/** Published versions: immutable copies of a service and its functions. */
export class Versions {
  readonly #services: Collection<"service">;
  readonly #versions: Collection<"version">;
  readonly #repository: Repository;
  readonly #writer: Writer;
  readonly #clock: Clock;

  constructor({ services, versions, repository, writer, clock }: VersionsOptions) {
    this.#services = services;
    this.#versions = versions;
    this.#repository = repository;
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Copies the service as it stands, with its functions. `ifMatch`: the service's ETag. */
  async publish(serviceName: string, input: unknown, ifMatch?: string): Promise<Stored<Version>> {
    const { description = "" } = checked(publishSchema, input);
    return this.#writer.write(async () => {
      const repository = this.#repository;
      const service = await this.#services.get(serviceName);
      checkPrecondition(serviceWords, service, ifMatch);
      const counter = await repository.get("versionCounter", serviceName);
      const number = (counter?.value.lastVersionId ?? 0) + 1;
      const now = this.#clock.epochMs();
      const version: Version = {
        serviceName,
        versionId: String(number),
        description,
        service: service.value,
        createdAt: now,
        lastModifiedAt: now,
      };
      const key = keyOfVersion(serviceName, version.versionId);
      const functions = await repository.list("function", { prefix: `${serviceName}/` });
      return {
        changes: [
          repository.put("version", key, version),
          repository.put("versionCounter", serviceName, { lastVersionId: number }),
          ...functions.map(({ value }) => repository.put("versionFunction", `${key}/${value.functionName}`, value)),
        ],
        expected: [
          repository.expect("service", serviceName, service.etag),
          repository.expect("versionCounter", serviceName, counter?.etag ?? "absent"),
          repository.expect("version", key, "absent"),
        ],
        answer: (etags) => ({ key, value: version, etag: etags[0] ?? "" }),
      };
    });
  }

  /** Newest first, unless the direction is FORWARD; startKey and nextToken are ids. */
  async list(serviceName: string, query: VersionQuery): Promise<VersionPage> {
    const direction = directionOf(query);
    const { startKey, limit } = listRange(query);
    if (startKey !== "" && !isVersionId(startKey)) {
      invalid(`startKey: expected the id of a version, got ${JSON.stringify(startKey)}`);
    }
    await this.#services.get(serviceName);
    const sign = direction === "FORWARD" ? 1 : -1;
    const all = (await this.#repository.list("version", { prefix: `${serviceName}/` }))
      .sort((left, right) => sign * (numberOf(left.value) - numberOf(right.value)))
      .filter(({ value }) => startKey === "" || sign * (numberOf(value) - Number(startKey)) >= 0);
    const next = all[limit];
    return { items: all.slice(0, limit), direction, ...(next && { nextToken: next.value.versionId }) };
  }

  /** Refused while an alias, a trigger or a route needs it. */
  async delete(serviceName: string, versionId: string): Promise<void> {
    await this.#services.get(serviceName);
    if (!isVersionId(versionId)) throw versionNotFound(serviceName, versionId);
    const key = keyOfVersion(serviceName, versionId);
    return this.#versions.delete(key, undefined, async () => {
      const user = (await this.#aliasOf(serviceName, versionId)) ?? (await this.#userOf(serviceName, versionId));
      if (user !== undefined) {
        throw new ApiError(
          "VersionInUse",
          `version '${versionId}' of service '${serviceName}' is needed by ${user}: point that elsewhere first`,
        );
      }
      const functions = await this.#repository.list("versionFunction", { prefix: `${key}/` });
      return functions.map((each) => this.#repository.delete("versionFunction", each.key));
    });
  }

  async #aliasOf(serviceName: string, versionId: string): Promise<string | undefined> {
    const aliases = await this.#repository.list("alias", { prefix: `${serviceName}/` });
    const found = aliases.find(
      ({ value }) => value.versionId === versionId || versionId in value.additionalVersionWeight,
    );
    return found && `alias '${found.value.aliasName}'`;
  }

  async #userOf(serviceName: string, versionId: string): Promise<string | undefined> {
    return (await usersOfQualifier(this.#repository, serviceName, versionId))[0]?.what;
  }
}

function keyOfVersion(serviceName: string, versionId: string): string {
  return `${serviceName}/${versionId}`;
}

function numberOf(version: Version): number {
  return Number(version.versionId);
}

function directionOf({ direction }: VersionQuery): VersionDirection {
  if (direction === undefined || direction === "") return "BACKWARD";
  if (direction === "FORWARD" || direction === "BACKWARD") return direction;
  return invalid(`direction: expected FORWARD or BACKWARD, got ${JSON.stringify(direction)}`);
}
