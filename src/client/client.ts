/**
 * Front door of src/client: a typed client of Sluice's control API, and how a client reaches a function on this
 * machine.
 */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Clock } from "../base/base.ts";
import type {
  AccessKeyInfo,
  AccessKeysAnswer,
  AuditAnswer,
  AuditRecord,
  AutoDomainAnswer,
  CodePackageAnswer,
  FunctionInfo,
  FunctionsAnswer,
  HealthAnswer,
  ImagePull,
  ImagePullsAnswer,
  LogRecord,
  NewAccessKey,
  RestoreAnswer,
  RollbackAnswer,
  UsageAnswer,
  UsageTotal,
} from "../model/model.ts";
import { Requester, ResourceCollection } from "./resource.ts";
import type { Endpoint, Upload } from "./transport.ts";
import type {
  AliasDocument,
  CustomDomainDocument,
  FunctionDocument,
  ProvisionConfigDocument,
  ServiceDocument,
  TriggerDocument,
  VersionDocument,
} from "./wire.ts";

export type {
  AuditRecord,
  DomainInfo,
  FunctionInfo,
  LogRecord,
  RestoreAnswer,
  RollbackAnswer,
  UsageTotal,
} from "../model/model.ts";
export { functionKey, LATEST } from "../model/model.ts";
export { ApiError, isNotFound, UNREACHABLE, UNTRUSTED } from "./api-error.ts";

import { isNotFound } from "./api-error.ts";

export { type CallCommand, type CallTarget, callCommands, shellQuote } from "./call-commands.ts";
export { isLoopback, portOfUrl, resolvesToThisMachine } from "./grpc-address.ts";
export type { Endpoint, Upload } from "./transport.ts";
export type * from "./wire.ts";

const PREFIX = "/2021-04-06";

/** Which log lines are asked for. */
export interface LogQuery {
  /** `SERVICE/FUNCTION`; absent: of all functions. */
  readonly function?: string;
  readonly requestId?: string;
  /** Only lines at or after this time, Unix epoch milliseconds. */
  readonly sinceMs?: number;
  /** Stay and give new lines as they come. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** The control API of one platform. Every method throws an ApiError where the request fails. */
export class Client {
  readonly #requester: Requester;

  constructor(endpoint: Endpoint, clock: Clock) {
    this.#requester = new Requester(endpoint, clock);
  }

  services(): ResourceCollection<ServiceDocument> {
    return new ResourceCollection(this.#requester, {
      noun: "Service",
      path: `${PREFIX}/services`,
      listKey: "services",
    });
  }

  functions(serviceName: string): ResourceCollection<FunctionDocument> {
    return new ResourceCollection(this.#requester, {
      noun: "Function",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/functions`,
      listKey: "functions",
    });
  }

  triggers(serviceName: string, functionName: string): ResourceCollection<TriggerDocument> {
    return new ResourceCollection(this.#requester, {
      noun: "Trigger",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/functions/${encodeURIComponent(functionName)}/triggers`,
      listKey: "triggers",
    });
  }

  /** Newest first; they are published by `publishVersion`. */
  versions(serviceName: string): Pick<ResourceCollection<VersionDocument>, "list" | "delete"> {
    return new ResourceCollection(this.#requester, {
      noun: "ServiceVersion",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/versions`,
      listKey: "versions",
    });
  }

  publishVersion(serviceName: string, description: string): Promise<VersionDocument> {
    return this.#requester.json({
      method: "POST",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/versions`,
      action: "PublishServiceVersion",
      body: { description },
    });
  }

  provisionConfigs(serviceName: string): Pick<ResourceCollection<ProvisionConfigDocument>, "list"> {
    return new ResourceCollection(this.#requester, {
      noun: "ProvisionConfig",
      path: `${PREFIX}/provision-configs`,
      query: { serviceName },
      listKey: "provisionConfigs",
    });
  }

  /** Has no instance of a function kept ready under a qualifier any more. */
  releaseProvision(serviceName: string, functionName: string, qualifier: string): Promise<ProvisionConfigDocument> {
    return this.#requester.json({
      method: "PUT",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/functions/${encodeURIComponent(functionName)}/provision-config`,
      action: "PutProvisionConfig",
      query: { qualifier },
      body: { target: 0 },
    });
  }

  aliases(serviceName: string): ResourceCollection<AliasDocument> {
    return new ResourceCollection(this.#requester, {
      noun: "Alias",
      plural: "Aliases",
      path: `${PREFIX}/services/${encodeURIComponent(serviceName)}/aliases`,
      listKey: "aliases",
    });
  }

  /** Points an alias, or the service itself, at what was before. */
  rollBack(serviceName: string, wanted: { aliasName?: string; versionId?: string }): Promise<RollbackAnswer> {
    return this.#requester.json({
      method: "POST",
      path: `/sluice/v1/services/${encodeURIComponent(serviceName)}/rollback`,
      action: "SluiceRollBack",
      body: wanted,
    });
  }

  customDomains(): ResourceCollection<CustomDomainDocument> {
    return new ResourceCollection(this.#requester, {
      noun: "CustomDomain",
      path: `${PREFIX}/custom-domains`,
      listKey: "customDomains",
    });
  }

  /** The first key, then the others in the order in which they were made. */
  async accessKeys(): Promise<readonly AccessKeyInfo[]> {
    const answer = await this.#requester.json<AccessKeysAnswer>({
      method: "GET",
      path: "/sluice/v1/keys",
      action: "SluiceListKeys",
    });
    return answer.keys;
  }

  /** The answer alone holds the secret. */
  createAccessKey(description: string): Promise<NewAccessKey> {
    const body = { description };
    return this.#requester.json({ method: "POST", path: "/sluice/v1/keys", action: "SluiceCreateKey", body });
  }

  /** For good. */
  disableAccessKey(accessKeyId: string): Promise<AccessKeyInfo> {
    const path = `/sluice/v1/keys/${encodeURIComponent(accessKeyId)}/disable`;
    return this.#requester.json({ method: "POST", path, action: "SluiceDisableKey" });
  }

  /** Only one that is disabled. */
  deleteAccessKey(accessKeyId: string): Promise<void> {
    const path = `/sluice/v1/keys/${encodeURIComponent(accessKeyId)}`;
    return this.#requester.done({ method: "DELETE", path, action: "SluiceDeleteKey" });
  }

  /** The name that `domainName: auto` stands for. */
  async autoDomain(serviceName: string, functionName: string): Promise<string> {
    const service = encodeURIComponent(serviceName);
    const answer = await this.#requester.json<AutoDomainAnswer>({
      method: "GET",
      path: `/sluice/v1/services/${service}/functions/${encodeURIComponent(functionName)}/auto-domain`,
      action: "SluiceGetAutoDomain",
    });
    return answer.domainName;
  }

  /** The last changes through the API, oldest first. */
  async auditRecords(limit: number): Promise<readonly AuditRecord[]> {
    const answer = await this.#requester.json<AuditAnswer>({
      method: "GET",
      path: "/sluice/v1/audit",
      action: "SluiceReadAudit",
      query: { limit: String(limit) },
    });
    return answer.records;
  }

  /** One function with how it stands under each of its qualifiers, LATEST first; empty where it is not there. */
  async functionInfosOf(serviceName: string, functionName: string): Promise<readonly FunctionInfo[]> {
    const answer = await this.#requester.json<FunctionsAnswer>({
      method: "GET",
      path: `/sluice/v1/services/${encodeURIComponent(serviceName)}/functions/${encodeURIComponent(functionName)}`,
      action: "SluiceGetFunction",
    });
    return answer.functions;
  }

  /** Every function with how it stands. */
  async functionInfos(): Promise<readonly FunctionInfo[]> {
    const answer = await this.#requester.json<FunctionsAnswer>({
      method: "GET",
      path: "/sluice/v1/functions",
      action: "SluiceListFunctions",
    });
    return answer.functions;
  }

  /** Container images that writes of functions wait for. */
  async imagePulls(): Promise<readonly ImagePull[]> {
    const answer = await this.#requester.json<ImagePullsAnswer>({
      method: "GET",
      path: "/sluice/v1/image-pulls",
      action: "SluiceListImagePulls",
    });
    return answer.pulls;
  }

  /** Log lines, oldest first; with `follow` it ends when the signal aborts or the server goes. */
  async *logs(query: LogQuery): AsyncGenerator<LogRecord> {
    const answer = await this.#requester.open({
      method: "GET",
      path: "/sluice/v1/logs",
      action: "SluiceReadLogs",
      query: {
        ...(query.function !== undefined && { function: query.function }),
        ...(query.requestId !== undefined && { requestId: query.requestId }),
        ...(query.sinceMs !== undefined && { sinceMs: String(query.sinceMs) }),
        ...(query.follow && { follow: "1" }),
      },
      ...(query.signal !== undefined && { signal: query.signal }),
    });
    for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== "") yield JSON.parse(line) as LogRecord;
    }
  }

  /** A backup of everything, as it is made: a zip. It ends with an error where it is not whole. */
  backup(signal?: AbortSignal): Promise<Readable> {
    return this.#requester.open({
      method: "GET",
      path: "/sluice/v1/backup",
      action: "SluiceBackUp",
      ...(signal && { signal }),
    });
  }

  /** Replaces everything by a backup. It is in force when `health` tells of another `controlId`. */
  restore(archive: Upload): Promise<RestoreAnswer> {
    return this.#requester.json({
      method: "POST",
      path: "/sluice/v1/restore",
      action: "SluiceRestore",
      upload: archive,
    });
  }

  /** A package that is there; it is kept for an hour from now. */
  async findPackage(sha256: string): Promise<CodePackageAnswer | undefined> {
    try {
      return await this.#requester.json({
        method: "GET",
        path: `/sluice/v1/code-packages/${sha256}`,
        action: "SluiceGetCodePackage",
      });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Sends a zip, which a function may name as `code.packageId` for an hour. */
  putPackage(zip: Upload, signal?: AbortSignal): Promise<CodePackageAnswer> {
    return this.#requester.json({
      method: "PUT",
      path: `/sluice/v1/code-packages/${zip.sha256}`,
      action: "SluicePutCodePackage",
      upload: zip,
      ...(signal !== undefined && { signal }),
    });
  }

  health(): Promise<HealthAnswer> {
    return this.#requester.json({ method: "GET", path: "/sluice/v1/health", action: "SluiceReadHealth" });
  }

  /** What each function used since the platform's first start. */
  async usage(): Promise<readonly UsageTotal[]> {
    const answer = await this.#requester.json<UsageAnswer>({
      method: "GET",
      path: "/sluice/v1/usage",
      action: "SluiceReadUsage",
    });
    return answer.usage;
  }
}
