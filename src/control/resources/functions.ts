import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/base.ts";
import { type FunctionResource, type FunctionSettings, LATEST } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import type { AutoDomains } from "./auto-domain.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { customContainerConfig } from "./container-settings.ts";
import { defined } from "./defined.ts";
import type { FunctionConfigs } from "./function-configs.ts";
import { checkTogether, functionDefaults, functionSettings } from "./function-settings.ts";
import { codeSchema, type FunctionSources } from "./function-sources.ts";
import { lifecycleAfter } from "./lifecycle-settings.ts";
import type { Qualifiers } from "./qualifiers.ts";
import type { Stored } from "./repository.ts";
import { checked, type ListQuery, name, settings } from "./validation.ts";

export const functionWords: KindWords = {
  notFound: "FunctionNotFound",
  alreadyExists: "FunctionAlreadyExists",
  describe: (key) => `function '${key.split("/")[1]}' of service '${key.split("/")[0]}'`,
};

/** Of functions in versions; they are read through their version, which names what is missing. */
export const versionFunctionWords: KindWords = {
  notFound: "FunctionNotFound",
  alreadyExists: "FunctionAlreadyExists",
  describe: (key) => `function '${key.split("/")[2]}' of version '${key.split("/")[1]}'`,
};

const updateSchema = settings({ ...functionSettings, code: codeSchema, customContainerConfig });
const createSchema = updateSchema.extend({ functionName: name(64), runtime: functionSettings.runtime });

/** Functions: code and configuration, each within its service. */
export class Functions {
  readonly #services: Collection<"service">;
  readonly #functions: Collection<"function">;
  readonly #triggers: Collection<"trigger">;
  readonly #versionFunctions: Collection<"versionFunction">;
  readonly #configs: FunctionConfigs;
  readonly #autoDomains: AutoDomains;
  readonly #qualifiers: Qualifiers;
  readonly #sources: FunctionSources;
  readonly #clock: Clock;

  constructor(
    collections: {
      services: Collection<"service">;
      functions: Collection<"function">;
      triggers: Collection<"trigger">;
      versionFunctions: Collection<"versionFunction">;
    },
    belongings: { configs: FunctionConfigs; autoDomains: AutoDomains },
    qualifiers: Qualifiers,
    sources: FunctionSources,
    clock: Clock,
  ) {
    this.#services = collections.services;
    this.#functions = collections.functions;
    this.#triggers = collections.triggers;
    this.#versionFunctions = collections.versionFunctions;
    this.#configs = belongings.configs;
    this.#autoDomains = belongings.autoDomains;
    this.#qualifiers = qualifiers;
    this.#sources = sources;
    this.#clock = clock;
  }

  /** `checksum`: CRC-64 of the zip in decimal, compared where given (`X-Fc-Code-Checksum`). */
  async create(serviceName: string, input: unknown, checksum?: string): Promise<Stored<FunctionResource>> {
    const { functionName, code, customContainerConfig, ...given } = checked(createSchema, input);
    await this.#services.get(serviceName);
    const now = this.#clock.epochMs();
    const created: FunctionSettings = {
      serviceName,
      functionName,
      functionId: randomUUID(),
      ...functionDefaults,
      ...defined(given),
      revisionNumber: 1,
      createdAt: now,
      lastModifiedAt: now,
    };
    checkTogether(created);
    const { runtime } = created;
    const what = { serviceName, functionName, runtime, code, customContainerConfig, checksum };
    using source = await this.#sources.take(what);
    return await this.#functions.create(keyOf(serviceName, functionName), async () => {
      await this.#services.get(serviceName);
      return { ...created, ...source.for(undefined) };
    });
  }

  /** Under another qualifier than LATEST: as it was when its version was published. */
  async get(serviceName: string, functionName: string, qualifier: string = LATEST): Promise<Stored<FunctionResource>> {
    if (qualifier === LATEST) {
      return (
        (await this.#functions.find(keyOf(serviceName, functionName))) ??
        (await this.#missing(serviceName, functionName))
      );
    }
    const { main } = await this.#qualifiers.get(serviceName, qualifier);
    return this.#inVersion(serviceName, main, functionName);
  }

  /** Rejects unless the function is there, and is in every version that the qualifier stands for. */
  async check(serviceName: string, functionName: string, qualifier: string): Promise<void> {
    await this.get(serviceName, functionName);
    const { main, additional } = await this.#qualifiers.get(serviceName, qualifier);
    const versionIds = [main, ...additional.map(({ versionId }) => versionId)];
    for (const versionId of versionIds) await this.#inVersion(serviceName, versionId, functionName);
  }

  async list(serviceName: string, query: ListQuery, qualifier: string = LATEST): Promise<Page<FunctionResource>> {
    await this.#services.get(serviceName);
    const { main } = await this.#qualifiers.get(serviceName, qualifier);
    if (main === LATEST) return this.#functions.list(`${serviceName}/`, query);
    return this.#versionFunctions.list(`${serviceName}/${main}/`, query);
  }

  async update(
    serviceName: string,
    functionName: string,
    input: unknown,
    { ifMatch, checksum }: { ifMatch?: string | undefined; checksum?: string | undefined } = {},
  ): Promise<Stored<FunctionResource>> {
    const { code, customContainerConfig, ...given } = checked(updateSchema, input);
    const { value: before } = await this.get(serviceName, functionName);
    const after = (current: FunctionResource): FunctionSettings => {
      const { code: _code, customContainerConfig: _config, ...settings } = current;
      return { ...settings, ...defined(given), ...lifecycleAfter(current, given) };
    };
    const { runtime } = after(before);
    checkTogether(after(before));
    const what = { serviceName, functionName, runtime, code, customContainerConfig, checksum };
    using source = await this.#sources.take(what, before);
    return await this.#functions.update(keyOf(serviceName, functionName), ifMatch, async (current) => {
      const settings = after(current);
      checkTogether(settings);
      const stamps = { revisionNumber: current.revisionNumber + 1, lastModifiedAt: this.#clock.epochMs() };
      return { ...settings, ...source.for(current), ...stamps };
    });
  }

  async delete(serviceName: string, functionName: string, ifMatch?: string): Promise<void> {
    await this.get(serviceName, functionName);
    return this.#functions.delete(keyOf(serviceName, functionName), ifMatch, async () => {
      const below = `${keyOf(serviceName, functionName)}/`;
      if (await this.#triggers.any(below)) {
        throw new ApiError("FunctionNotEmpty", `function '${functionName}' has active triggers: delete them first`);
      }
      const configs = await this.#configs.deletionsBelow(below);
      return [...configs, ...(await this.#autoDomains.deletionsWith(serviceName, functionName))];
    });
  }

  async #inVersion(serviceName: string, versionId: string, functionName: string): Promise<Stored<FunctionResource>> {
    const found = await this.#qualifiers.function(serviceName, versionId, functionName);
    if (found !== undefined) return found;
    throw new ApiError(
      "FunctionNotFound",
      `function '${functionName}' does not exist in version '${versionId}' of service '${serviceName}'`,
    );
  }

  /** Tells a missing service from a missing function. */
  async #missing(serviceName: string, functionName: string): Promise<never> {
    await this.#services.get(serviceName);
    throw new ApiError("FunctionNotFound", `function '${functionName}' does not exist in service '${serviceName}'`);
  }
}

export function keyOf(serviceName: string, functionName: string): string {
  return `${serviceName}/${functionName}`;
}
