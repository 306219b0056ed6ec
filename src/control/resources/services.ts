import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import { LATEST, type Service } from "../../model/model.ts";
import type { Change } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { defined } from "./defined.ts";
import { pageOf } from "./function-configs.ts";
import type { Qualifiers } from "./qualifiers.ts";
import type { Repository, Stored } from "./repository.ts";
import { checked, flag, integer, type ListQuery, listRange, name, oneOf, settings, text } from "./validation.ts";

export const serviceWords: KindWords = {
  notFound: "ServiceNotFound",
  alreadyExists: "ServiceAlreadyExists",
  describe: (key) => `service '${key}'`,
};

/** A setting of a feature that Sluice does not have: only its empty form is taken. */
function none<Empty extends "" | []>(empty: Empty, expected: string) {
  return z.custom<Empty>((value) => JSON.stringify(value) === JSON.stringify(empty), expected);
}

const mutable = {
  description: text(256),
  internetAccess: flag(),
  role: text(1024),
  logConfig: settings({
    project: text(256),
    logstore: text(256),
    enableRequestMetrics: flag(),
    enableInstanceMetrics: flag(),
    logBeginRule: oneOf(["None", "DefaultRegex", ""]),
  }),
  // Serverless Devs sends all three, empty, with every deploy.
  vpcConfig: settings({
    vpcId: none("", "an empty text (this version of Sluice binds no VPCs: instances reach what this machine reaches)"),
    vSwitchIds: none([], "an empty list (this version of Sluice binds no VPCs)"),
    securityGroupId: none("", "an empty text (this version of Sluice binds no VPCs)"),
    role: text(1024),
  }),
  nasConfig: settings({
    userId: integer(-1, 65534, "user id"),
    groupId: integer(-1, 65534, "group id"),
    mountPoints: none([], "an empty list (this version of Sluice mounts no NAS file systems)"),
  }),
  ossMountConfig: settings({
    mountPoints: none([], "an empty list (this version of Sluice mounts no OSS buckets)"),
  }),
  tracingConfig: settings({
    type: text(64),
    params: z.record(z.string(), text(1024), "a map of texts"),
  }),
};

const updateSchema = settings(mutable);
const createSchema = updateSchema.extend({ serviceName: name(128) });

/** What must be gone before a service goes. */
export interface ServiceChildren {
  readonly functions: Collection<"function">;
  readonly aliases: Collection<"alias">;
  readonly versions: Collection<"version">;
}

const CHILDREN = ["functions", "aliases", "versions"] as const;

/** Services: named groups of functions. */
export class Services {
  readonly #services: Collection<"service">;
  readonly #children: ServiceChildren;
  readonly #qualifiers: Qualifiers;
  readonly #repository: Repository;
  readonly #clock: Clock;

  constructor(
    services: Collection<"service">,
    children: ServiceChildren,
    { qualifiers, repository, clock }: { qualifiers: Qualifiers; repository: Repository; clock: Clock },
  ) {
    this.#services = services;
    this.#children = children;
    this.#qualifiers = qualifiers;
    this.#repository = repository;
    this.#clock = clock;
  }

  async create(input: unknown): Promise<Stored<Service>> {
    const { serviceName, ...given } = checked(createSchema, input);
    const now = this.#clock.epochMs();
    const service: Service = {
      serviceName,
      serviceId: randomUUID(),
      description: "",
      internetAccess: true,
      role: "",
      ...defined(given),
      createdAt: now,
      lastModifiedAt: now,
    };
    return this.#services.create(serviceName, async () => service);
  }

  /** Under another qualifier than LATEST: as it was when its version was published. */
  async get(serviceName: string, qualifier: string = LATEST): Promise<Stored<Service>> {
    const { main } = await this.#qualifiers.get(serviceName, qualifier);
    return (await this.#qualifiers.service(serviceName, main)) ?? this.#services.get(serviceName);
  }

  /** `among`: only these; absent: all. */
  async list(query: ListQuery, among?: ReadonlySet<string>): Promise<Page<Service>> {
    if (among === undefined) return this.#services.list("", query);
    const all = await this.#repository.list("service");
    const meant = all.filter(({ value }) => among.has(value.serviceName));
    return pageOf(meant, ({ serviceName }) => serviceName, listRange(query));
  }

  async update(serviceName: string, input: unknown, ifMatch?: string): Promise<Stored<Service>> {
    const given = checked(updateSchema, input);
    return this.#services.update(serviceName, ifMatch, async (current) => ({
      ...current,
      ...defined(given),
      lastModifiedAt: this.#clock.epochMs(),
    }));
  }

  delete(serviceName: string, ifMatch?: string): Promise<void> {
    return this.#services.delete(serviceName, ifMatch, async () => {
      for (const kind of CHILDREN) {
        if (!(await this.#children[kind].any(`${serviceName}/`))) continue;
        throw new ApiError("ServiceNotEmpty", `service '${serviceName}' has ${kind}: delete them first`);
      }
      const gone: Change[] = [];
      for (const kind of ["versionCounter", "resourceTags"] as const) {
        const found = await this.#repository.get(kind, serviceName);
        if (found !== undefined) gone.push(this.#repository.delete(kind, serviceName));
      }
      return gone;
    });
  }
}
