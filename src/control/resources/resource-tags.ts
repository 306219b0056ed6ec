import { z } from "zod";
import type { ResourceTags } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { EndpointInfo } from "../options.ts";
import type { Page } from "./collection.ts";
import { pageOf } from "./function-configs.ts";
import type { Repository } from "./repository.ts";
import type { Services } from "./services.ts";
import { checked, flag, type ListQuery, listRange, settings } from "./validation.ts";
import type { Writer } from "./writer.ts";

/** Function Compute: tags of a resource, characters of a key and of a value. */
const TAG_COUNT_MAX = 20;
const KEY_MAX_CHARS = 64;
const VALUE_MAX_CHARS = 128;

const tagsSchema = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).length > 0 &&
    Object.entries(value).every(
      ([key, each]) => isKey(key) && typeof each === "string" && each.length <= VALUE_MAX_CHARS,
    ),
  `a map of at least one tag, its key of 1 to ${KEY_MAX_CHARS} characters, its value a text of at most ${VALUE_MAX_CHARS}`,
);

const keysSchema = z.custom<string[]>(
  (value) => Array.isArray(value) && value.length <= TAG_COUNT_MAX && value.every(isKey),
  `a list of at most ${TAG_COUNT_MAX} keys of tags`,
);

const resourceArn = z.custom<string>((value) => typeof value === "string", "the ARN of a service");

const tagSchema = settings({}).extend({ resourceArn, tags: tagsSchema });
const untagSchema = settings({ tagKeys: keysSchema, all: flag() }).extend({ resourceArn });

/** Tags of services, the only resources that have any (Function Compute 2.0). */
export class TagsOfResources {
  readonly #services: Services;
  readonly #repository: Repository;
  readonly #writer: Writer;
  readonly #endpoint: EndpointInfo;

  constructor(services: Services, repository: Repository, writer: Writer, endpoint: EndpointInfo) {
    this.#services = services;
    this.#repository = repository;
    this.#writer = writer;
    this.#endpoint = endpoint;
  }

  /** Adds tags, and replaces those with the same key. */
  async tag(input: unknown): Promise<void> {
    const given = checked(tagSchema, input);
    await this.#change(given.resourceArn, (tags) => {
      const changed = { ...tags, ...given.tags };
      const count = Object.keys(changed).length;
      if (count > TAG_COUNT_MAX) invalid(`tags: expected at most ${TAG_COUNT_MAX} on a service, got ${count}`);
      return changed;
    });
  }

  /** Takes tags away, or all of them; those that are not there are nothing to do for. */
  async untag(input: unknown): Promise<void> {
    const { resourceArn: arn, tagKeys = [], all = false } = checked(untagSchema, input);
    if (!all && tagKeys.length === 0) invalid("tagKeys: expected at least one key, or all: true, got none");
    await this.#change(arn, (tags) =>
      all ? {} : Object.fromEntries(Object.entries(tags).filter(([key]) => !tagKeys.includes(key))),
    );
  }

  async get(arn: string): Promise<ResourceTags> {
    const { value: service } = await this.#services.get(this.#serviceOf(arn));
    const found = await this.#repository.get("resourceTags", service.serviceName);
    return found?.value ?? { serviceName: service.serviceName, tags: {} };
  }

  /** Those that have tags, by name. */
  async list(query: ListQuery): Promise<Page<ResourceTags>> {
    const { startKey, limit } = listRange(query);
    const all = await this.#repository.list("resourceTags");
    return pageOf(all, ({ serviceName }) => this.arnOf(serviceName), { prefix: "", startKey, limit });
  }

  /** Names of the services that have all of these tags. */
  async servicesWith(wanted: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
    const all = await this.#repository.list("resourceTags");
    const meant = all.filter(({ value: { tags } }) => [...wanted].every(([key, value]) => tags[key] === value));
    return new Set(meant.map(({ value }) => value.serviceName));
  }

  arnOf(serviceName: string): string {
    return `acs:fc:${this.#endpoint.region}:${this.#repository.accountId}:services/${serviceName}`;
  }

  async #change(arn: string, change: (tags: ResourceTags["tags"]) => ResourceTags["tags"]): Promise<void> {
    const serviceName = this.#serviceOf(arn);
    await this.#services.get(serviceName);
    await this.#writer.write(async () => {
      // A service that went meanwhile took its tags with it.
      const { etag } = await this.#services.get(serviceName);
      const found = await this.#repository.get("resourceTags", serviceName);
      const tags = change(found?.value.tags ?? {});
      const changed =
        Object.keys(tags).length === 0
          ? this.#repository.delete("resourceTags", serviceName)
          : this.#repository.put("resourceTags", serviceName, { serviceName, tags });
      return {
        changes: [changed],
        expected: [this.#repository.expect("service", serviceName, etag)],
        answer: () => undefined,
      };
    });
  }

  /** `acs:fc:REGION:ACCOUNT:services/NAME`; region and account may be empty, or all before `services` left out. */
  #serviceOf(arn: string): string {
    const { region } = this.#endpoint;
    const { accountId } = this.#repository;
    const [, before, regionGiven = "", accountGiven = "", name = ""] =
      /^(acs:fc:([^:]*):([^:]*):)?services\/([^/.]+)$/.exec(arn) ?? [];
    const isOwn =
      before === undefined || (["", region].includes(regionGiven) && ["", accountId].includes(accountGiven));
    if (name !== "" && isOwn) return name;
    return invalid(
      `resourceArn: expected the ARN of a service, acs:fc:${region}:${accountId}:services/NAME, got ${JSON.stringify(arn)}`,
    );
  }
}

function isKey(key: unknown): boolean {
  return typeof key === "string" && key.length > 0 && key.length <= KEY_MAX_CHARS;
}
