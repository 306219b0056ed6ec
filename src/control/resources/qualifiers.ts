/** What the qualifiers of services stand for: `LATEST`, a published version, or an alias. */
import { type FunctionResource, LATEST, type Service } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import type { Reads, Stored } from "./repository.ts";

/** A version, or `LATEST`, with the share of calls that it gets: above 0 and below 1. */
export interface VersionShare {
  readonly versionId: string;
  readonly weight: number;
}

/** Where the calls of a qualifier go. */
export interface Meaning {
  /** The version, or `LATEST`, that takes what the others leave. */
  readonly main: string;
  readonly additional: readonly VersionShare[];
}

export class Qualifiers {
  readonly #repository: Reads;

  constructor(repository: Reads) {
    this.#repository = repository;
  }

  /** Undefined where the service has no such version or alias. */
  async find(serviceName: string, qualifier: string): Promise<Meaning | undefined> {
    if (qualifier === LATEST) return whole(LATEST);
    if (isVersionId(qualifier)) {
      const version = await this.#repository.get("version", `${serviceName}/${qualifier}`);
      return version && whole(qualifier);
    }
    const alias = (await this.#repository.get("alias", `${serviceName}/${qualifier}`))?.value;
    return alias && meaningOf(alias.versionId, alias.additionalVersionWeight);
  }

  /** As `find`; rejects with ServiceNotFound, VersionNotFound or AliasNotFound. */
  async get(serviceName: string, qualifier: string): Promise<Meaning> {
    const found = await this.find(serviceName, qualifier);
    if (found !== undefined) return found;
    if ((await this.#repository.get("service", serviceName)) === undefined) {
      throw new ApiError("ServiceNotFound", `service '${serviceName}' does not exist`);
    }
    if (isVersionId(qualifier)) throw versionNotFound(serviceName, qualifier);
    throw new ApiError("AliasNotFound", `alias '${qualifier}' of service '${serviceName}' does not exist`);
  }

  /** The service as it is in a version. */
  async service(serviceName: string, versionId: string): Promise<Stored<Service> | undefined> {
    if (versionId === LATEST) return this.#repository.get("service", serviceName);
    const version = await this.#repository.get("version", `${serviceName}/${versionId}`);
    return version && { ...version, value: version.value.service };
  }

  /** A function as it is in a version. */
  function(
    serviceName: string,
    versionId: string,
    functionName: string,
  ): Promise<Stored<FunctionResource> | undefined> {
    if (versionId === LATEST) return this.#repository.get("function", `${serviceName}/${functionName}`);
    return this.#repository.get("versionFunction", `${serviceName}/${versionId}/${functionName}`);
  }
}

/** Aliases' names begin with no digit. */
export function isVersionId(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

export function versionNotFound(serviceName: string, versionId: string): ApiError {
  return new ApiError("VersionNotFound", `version '${versionId}' of service '${serviceName}' does not exist`);
}

/** Shares of an alias. A share of 0 is none; one of 1 leaves the main version nothing. */
export function meaningOf(versionId: string, weights: Readonly<Record<string, number>>): Meaning {
  const additional: VersionShare[] = [];
  for (const [id, weight] of Object.entries(weights)) {
    if (weight >= 1) return whole(id);
    if (weight <= 0) continue;
    additional.push({ versionId: id, weight });
  }
  return { main: versionId, additional };
}

function whole(versionId: string): Meaning {
  return { main: versionId, additional: [] };
}
