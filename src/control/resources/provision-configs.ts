import type { ProvisionSetting } from "../../model/model.ts";
import type { Page } from "./collection.ts";
import { configQualifier, keyOfConfig, pageOf, type QualifiedName } from "./function-configs.ts";
import type { Functions } from "./functions.ts";
import { isRelease, provisionConfigOf } from "./provision-settings.ts";
import type { Repository } from "./repository.ts";
import { type ListQuery, listRange } from "./validation.ts";
import type { Writer } from "./writer.ts";

/** Provision configs: instances that are kept ready for a function under a qualifier. */
export class ProvisionConfigs {
  readonly #functions: Functions;
  readonly #repository: Repository;
  readonly #writer: Writer;

  constructor(functions: Functions, repository: Repository, writer: Writer) {
    this.#functions = functions;
    this.#repository = repository;
    this.#writer = writer;
  }

  /** Replaces the config. A target of 0 without actions and policies releases the instances, and the config is gone. */
  async put(name: QualifiedName, input: unknown): Promise<ProvisionSetting> {
    const config = provisionConfigOf(input);
    const of = { ...name, qualifier: configQualifier(name.qualifier) };
    const key = keyOfConfig(of);
    const setting: ProvisionSetting = { ...of, config };
    return this.#writer.write(async () => {
      await this.#functions.check(of.serviceName, of.functionName, of.qualifier);
      const change = isRelease(config)
        ? this.#repository.delete("provisionConfig", key)
        : this.#repository.put("provisionConfig", key, setting);
      return { changes: [change], expected: [], answer: () => setting };
    });
  }

  /** Where none was put: one with target 0. */
  async get(name: QualifiedName): Promise<ProvisionSetting> {
    const found = await this.#repository.get("provisionConfig", keyOfConfig(name));
    if (found !== undefined) return found.value;
    await this.#functions.get(name.serviceName, name.functionName, name.qualifier);
    return { ...name, config: provisionConfigOf({ target: 0 }) };
  }

  /** Of one service, or of all; of one qualifier, or of every one. */
  async list(
    query: ListQuery & { readonly serviceName?: string | undefined; readonly qualifier?: string | undefined },
  ): Promise<Page<ProvisionSetting>> {
    const { serviceName, qualifier } = query;
    const { startKey, limit } = listRange(query);
    const all = await this.#repository.list("provisionConfig", serviceName ? { prefix: `${serviceName}/` } : {});
    const meant = all.filter(({ value }) => !qualifier || value.qualifier === qualifier);
    return pageOf(meant, provisionResource, { prefix: "", startKey, limit });
  }
}

/** The config's name without its account, as Function Compute writes it. */
export function provisionResource({ serviceName, functionName, qualifier }: QualifiedName): string {
  return `${serviceName}#${qualifier}#${functionName}`;
}
