import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import type { FunctionResource, RollbackAnswer, Service, Version } from "../../model/model.ts";
import type { Change, Expectation } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";
import type { Aliases } from "./aliases.ts";
import type { Collection } from "./collection.ts";
import { isVersionId, versionNotFound } from "./qualifiers.ts";
import type { Repository, Stored } from "./repository.ts";
import { checked, settings, text } from "./validation.ts";
import type { Writer } from "./writer.ts";

export interface RollbackOptions {
  readonly services: Collection<"service">;
  readonly aliases: Aliases;
  readonly repository: Repository;
  readonly writer: Writer;
  readonly clock: Clock;
}

/** A service with its functions by name: of a version, or as they stand. */
interface State {
  readonly service: Service;
  readonly functions: ReadonlyMap<string, FunctionResource>;
}

const schema = settings({
  aliasName: text(128),
  versionId: z.custom<string>((value) => typeof value === "string" && isVersionId(value), "the id of a version"),
});

/** Going back: an alias to the version that it had before, or a service itself to what was published. */
export class Rollback {
  readonly #services: Collection<"service">;
  readonly #aliases: Aliases;
  readonly #repository: Repository;
  readonly #writer: Writer;
  readonly #clock: Clock;

  constructor({ services, aliases, repository, writer, clock }: RollbackOptions) {
    this.#services = services;
    this.#aliases = aliases;
    this.#repository = repository;
    this.#writer = writer;
    this.#clock = clock;
  }

  async run(serviceName: string, input: unknown): Promise<RollbackAnswer> {
    const { aliasName, versionId } = checked(schema, input);
    if (aliasName === undefined) return this.#latest(serviceName, versionId);
    const { before, after } = await this.#aliases.rollBack(serviceName, aliasName, versionId);
    return {
      kind: "alias",
      aliasName,
      versionId: after.versionId,
      before: { versionId: before.versionId, additionalVersionWeight: before.additionalVersionWeight },
    };
  }

  /** Makes the service and its functions what a version holds, in one commit. What the version lacks is kept. */
  #latest(serviceName: string, versionId: string | undefined): Promise<RollbackAnswer> {
    return this.#writer.write(async () => {
      const repository = this.#repository;
      const service = await this.#services.get(serviceName);
      const functions = await repository.list("function", { prefix: `${serviceName}/` });
      const now: State = { service: service.value, functions: byName(functions) };
      const version = versionId === undefined ? await this.#before(now) : await this.#version(serviceName, versionId);
      const target = await this.#stateOf(version);
      const at = this.#clock.epochMs();
      const changes: Change[] = [];
      const expected: Expectation[] = [];
      const changed: string[] = [];
      const restored: string[] = [];
      if (!isDeepStrictEqual(serviceContent(now.service), serviceContent(target.service))) {
        const { serviceId, createdAt } = now.service;
        changes.push(
          repository.put("service", serviceName, { ...target.service, serviceId, createdAt, lastModifiedAt: at }),
        );
      }
      for (const [functionName, wanted] of target.functions) {
        const current = now.functions.get(functionName);
        if (current !== undefined && isDeepStrictEqual(functionContent(current), functionContent(wanted))) continue;
        (current === undefined ? restored : changed).push(functionName);
        const { functionId, createdAt, revisionNumber } = current ?? { ...wanted, createdAt: at, revisionNumber: 0 };
        const stamps = { functionId, createdAt, revisionNumber: revisionNumber + 1, lastModifiedAt: at };
        changes.push(repository.put("function", `${serviceName}/${functionName}`, { ...wanted, ...stamps }));
      }
      if (changes.length === 0) {
        throw new ApiError(
          "NothingToRollBackTo",
          `service '${serviceName}' is as version '${version.versionId}' has it already`,
        );
      }
      for (const { key, etag } of functions) expected.push(repository.expect("function", key, etag));
      expected.push(repository.expect("service", serviceName, service.etag));
      const kept = [...now.functions.keys()].filter((functionName) => !target.functions.has(functionName));
      const answer: RollbackAnswer = { kind: "latest", versionId: version.versionId, changed, restored, kept };
      return { changes, expected, answer: () => answer };
    });
  }

  async #version(serviceName: string, versionId: string): Promise<Version> {
    const found = await this.#repository.get("version", `${serviceName}/${versionId}`);
    if (found === undefined) throw versionNotFound(serviceName, versionId);
    return found.value;
  }

  /**
   * The newest version that would change something, among those below the one that stands now; among all where what
   * stands was not published.
   */
  async #before(now: State): Promise<Version> {
    const { serviceName } = now.service;
    const versions = (await this.#repository.list("version", { prefix: `${serviceName}/` }))
      .map(({ value }) => value)
      .sort((left, right) => Number(right.versionId) - Number(left.versionId));
    let newestOther: Version | undefined;
    let stands = false;
    for (const version of versions) {
      const isSame = holds(now, await this.#stateOf(version));
      if (!isSame && stands) return version;
      if (!isSame) newestOther ??= version;
      stands ||= isSame;
    }
    if (newestOther !== undefined && !stands) return newestOther;
    const what = versions.length === 0 ? "no published version" : "no version before what stands now";
    throw new ApiError(
      "NothingToRollBackTo",
      `service '${serviceName}' has ${what} to go back to: publish a version before each deploy that may have to be undone`,
    );
  }

  async #stateOf({ serviceName, versionId, service }: Version): Promise<State> {
    const prefix = `${serviceName}/${versionId}/`;
    return { service, functions: byName(await this.#repository.list("versionFunction", { prefix })) };
  }
}

function byName(functions: readonly Stored<FunctionResource>[]): Map<string, FunctionResource> {
  return new Map(functions.map(({ value }) => [value.functionName, value]));
}

/** Whether going to `target` would change nothing. */
function holds(now: State, target: State): boolean {
  if (!isDeepStrictEqual(serviceContent(now.service), serviceContent(target.service))) return false;
  for (const [functionName, wanted] of target.functions) {
    const current = now.functions.get(functionName);
    if (current === undefined) return false;
    if (!isDeepStrictEqual(functionContent(current), functionContent(wanted))) return false;
  }
  return true;
}

/** What a user has set. */
function serviceContent({ serviceId: _id, createdAt: _at, lastModifiedAt: _last, ...content }: Service): object {
  return content;
}

function functionContent(resource: FunctionResource): object {
  const { functionId: _id, createdAt: _at, lastModifiedAt: _last, revisionNumber: _number, ...content } = resource;
  return content;
}
