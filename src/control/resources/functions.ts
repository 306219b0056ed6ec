import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import { type FunctionResource, LATEST } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { CodePackages, HeldPackage } from "../code/code-packages.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { defined } from "./defined.ts";
import type { FunctionConfigs } from "./function-configs.ts";
import { checkTogether, functionDefaults, functionSettings } from "./function-settings.ts";
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

const codeSchema = z.object(
  {
    zipFile: z.custom<string>(
      (value) => typeof value === "string",
      "the zip as a base64 text (this version of Sluice fetches no code from OSS)",
    ),
  },
  "an object with zipFile",
);

const updateSchema = settings({ ...functionSettings, code: codeSchema });
const createSchema = updateSchema.extend({
  functionName: name(64),
  runtime: functionSettings.runtime,
  code: codeSchema,
});

/** Functions: code and configuration, each within its service. */
export class Functions {
  readonly #services: Collection<"service">;
  readonly #functions: Collection<"function">;
  readonly #triggers: Collection<"trigger">;
  readonly #versionFunctions: Collection<"versionFunction">;
  readonly #configs: FunctionConfigs;
  readonly #qualifiers: Qualifiers;
  readonly #packages: CodePackages;
  readonly #clock: Clock;

  constructor(
    collections: {
      services: Collection<"service">;
      functions: Collection<"function">;
      triggers: Collection<"trigger">;
      versionFunctions: Collection<"versionFunction">;
    },
    configs: FunctionConfigs,
    qualifiers: Qualifiers,
    packages: CodePackages,
    clock: Clock,
  ) {
    this.#services = collections.services;
    this.#functions = collections.functions;
    this.#triggers = collections.triggers;
    this.#versionFunctions = collections.versionFunctions;
    this.#configs = configs;
    this.#qualifiers = qualifiers;
    this.#packages = packages;
    this.#clock = clock;
  }

  /** `checksum`: CRC-64 of the zip in decimal, compared where given (`X-Fc-Code-Checksum`). */
  async create(serviceName: string, input: unknown, checksum?: string): Promise<Stored<FunctionResource>> {
    const { functionName, code, ...given } = checked(createSchema, input);
    await this.#services.get(serviceName);
    const now = this.#clock.epochMs();
    const draft = { ...functionDefaults, ...defined(given) };
    using held = await this.#take(code.zipFile, checksum);
    const created: FunctionResource = {
      serviceName,
      functionName,
      functionId: randomUUID(),
      ...draft,
      code: held.code,
      revisionNumber: 1,
      createdAt: now,
      lastModifiedAt: now,
    };
    checkTogether(created);
    return await this.#functions.create(keyOf(serviceName, functionName), async () => {
      await this.#services.get(serviceName);
      return created;
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
    const { code, ...given } = checked(updateSchema, input);
    await this.get(serviceName, functionName);
    using held = code === undefined ? undefined : await this.#take(code.zipFile, checksum);
    return await this.#functions.update(keyOf(serviceName, functionName), ifMatch, async (current) => {
      const updated: FunctionResource = {
        ...current,
        ...defined(given),
        ...lifecycleAfter(current, given),
        code: held?.code ?? current.code,
        revisionNumber: current.revisionNumber + 1,
        lastModifiedAt: this.#clock.epochMs(),
      };
      checkTogether(updated);
      return updated;
    });
  }

  async delete(serviceName: string, functionName: string, ifMatch?: string): Promise<void> {
    await this.get(serviceName, functionName);
    return this.#functions.delete(keyOf(serviceName, functionName), ifMatch, async () => {
      const below = `${keyOf(serviceName, functionName)}/`;
      if (await this.#triggers.any(below)) {
        throw new ApiError("FunctionNotEmpty", `function '${functionName}' has active triggers: delete them first`);
      }
      return this.#configs.deletionsBelow(below);
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

  /** Takes in the package; it stays on disk while it is held, before any function names it. */
  async #take(zipFile: string, checksum: string | undefined): Promise<HeldPackage> {
    const held = await this.#packages.add(fromBase64(zipFile));
    if (checksum === undefined || checksum === "" || checksum === held.code.checksum) return held;
    held[Symbol.dispose]();
    return invalid(
      `X-Fc-Code-Checksum: expected ${held.code.checksum}, which is the CRC-64 of the zip, got ${checksum}`,
    );
  }
}

export function keyOf(serviceName: string, functionName: string): string {
  return `${serviceName}/${functionName}`;
}

/** Buffer.from skips what is no base64; the length tells. */
function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const expected = Math.floor(((text.length - padding) * 3) / 4);
  if (bytes.length !== expected || bytes.length === 0) invalid("code.zipFile: expected the zip as a base64 text");
  return bytes;
}
