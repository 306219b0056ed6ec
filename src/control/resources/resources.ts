/** The one resource model behind every dialect: every kind, checked, stored, and told to the data plane. */
import type { Clock } from "../../base/base.ts";
import type { Store } from "../../store/store.ts";
import type { KeyRing } from "../auth/key-ring.ts";
import type { DomainCa, EndpointInfo } from "../options.ts";
import type { Vault } from "../vault.ts";
import { AccessKeys, accessKeyWords } from "./access-keys.ts";
import { Aliases, aliasWords } from "./aliases.ts";
import { AutoDomains } from "./auto-domain.ts";
import { Collection } from "./collection.ts";
import { type AcmeRules, CustomDomains, customDomainWords } from "./custom-domains.ts";
import { FunctionConfigs } from "./function-configs.ts";
import type { FunctionSources } from "./function-sources.ts";
import { Functions, functionWords, versionFunctionWords } from "./functions.ts";
import { OnDemandConfigs, onDemandWords } from "./on-demand-configs.ts";
import { ProvisionConfigs } from "./provision-configs.ts";
import { Qualifiers } from "./qualifiers.ts";
import type { Repository } from "./repository.ts";
import { TagsOfResources } from "./resource-tags.ts";
import { Rollback } from "./rollback.ts";
import { Services, serviceWords } from "./services.ts";
import { Triggers, triggerWords } from "./triggers.ts";
import { Versions, versionWords } from "./versions.ts";
import { type CommitListener, Writer } from "./writer.ts";

export type { AliasChange } from "./aliases.ts";
export { AllResources } from "./all-resources.ts";
export type { Page } from "./collection.ts";
export { textsOf } from "./container-settings.ts";
export type { CustomDomains } from "./custom-domains.ts";
export { dnsOf } from "./dns-settings.ts";
export { isServed } from "./domain-name.ts";
export { keyOfConfig, type QualifiedName } from "./function-configs.ts";
export { FunctionSources } from "./function-sources.ts";
export { onDemandResource } from "./on-demand-configs.ts";
export { provisionResource } from "./provision-configs.ts";
export { Qualifiers } from "./qualifiers.ts";
export { type Reads, Repository, type Stored } from "./repository.ts";
export { usersOfQualifier } from "./users-of-qualifier.ts";
export type { ListQuery } from "./validation.ts";
export type { VersionPage, VersionQuery } from "./versions.ts";

export interface ResourcesOptions {
  readonly store: Store;
  readonly repository: Repository;
  readonly listener: CommitListener;
  readonly sources: FunctionSources;
  readonly keyRing: KeyRing;
  readonly vault: Vault;
  readonly endpoint: EndpointInfo;
  readonly domainCa: DomainCa;
  readonly acmeRules: AcmeRules;
  readonly clock: Clock;
}

export class Resources {
  readonly services: Services;
  readonly functions: Functions;
  readonly triggers: Triggers;
  readonly customDomains: CustomDomains;
  readonly versions: Versions;
  readonly aliases: Aliases;
  readonly onDemandConfigs: OnDemandConfigs;
  readonly provisionConfigs: ProvisionConfigs;
  readonly rollback: Rollback;
  readonly tags: TagsOfResources;
  readonly accessKeys: AccessKeys;
  readonly #writer: Writer;

  constructor(options: ResourcesOptions) {
    const { store, repository, listener, sources, endpoint, domainCa, acmeRules, clock } = options;
    const writer = new Writer(store, listener);
    this.#writer = writer;
    const qualifiers = new Qualifiers(repository);
    const services = new Collection("service", serviceWords, repository, writer);
    const functions = new Collection("function", functionWords, repository, writer);
    const triggers = new Collection("trigger", triggerWords, repository, writer);
    const domains = new Collection("customDomain", customDomainWords, repository, writer);
    const versions = new Collection("version", versionWords, repository, writer);
    const versionFunctions = new Collection("versionFunction", versionFunctionWords, repository, writer);
    const aliases = new Collection("alias", aliasWords, repository, writer);
    const shared = { repository, qualifiers, clock };
    this.services = new Services(services, { functions, aliases, versions }, shared);
    const configs = new FunctionConfigs(repository);
    const collections = { services, functions, triggers, versionFunctions };
    const autoDomains = new AutoDomains(repository, endpoint);
    this.functions = new Functions(collections, { configs, autoDomains }, qualifiers, sources, clock);
    this.triggers = new Triggers(this.functions, triggers, endpoint, clock);
    const ofDomains = { domains, functions: this.functions, autoDomains, endpoint, domainCa, acmeRules, clock };
    this.customDomains = new CustomDomains(ofDomains);
    this.versions = new Versions({ services, versions, repository, writer, clock });
    this.aliases = new Aliases({ services, aliases, ...shared });
    const onDemand = new Collection("onDemandConfig", onDemandWords, repository, writer);
    this.onDemandConfigs = new OnDemandConfigs(onDemand, this.functions, repository);
    this.provisionConfigs = new ProvisionConfigs(this.functions, repository, writer);
    const keys = new Collection("accessKey", accessKeyWords, repository, writer);
    this.accessKeys = new AccessKeys({ keys, ring: options.keyRing, vault: options.vault, clock });
    this.tags = new TagsOfResources(this.services, repository, writer, endpoint);
    this.rollback = new Rollback({ services, aliases: this.aliases, repository, writer, clock });
  }

  /** Runs `work` while no write does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#writer.alone(work);
  }
}
