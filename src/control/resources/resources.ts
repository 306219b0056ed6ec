/** The one resource model behind every dialect: the four kinds, checked, stored, and told to the data plane. */
import type { Clock } from "../../base/base.ts";
import type { Store } from "../../store/store.ts";
import type { CodePackages } from "../code/code-packages.ts";
import type { EndpointInfo } from "../options.ts";
import { Collection } from "./collection.ts";
import { CustomDomains, customDomainWords } from "./custom-domains.ts";
import { Functions, functionWords } from "./functions.ts";
import type { Repository } from "./repository.ts";
import { Services, serviceWords } from "./services.ts";
import { Triggers, triggerWords } from "./triggers.ts";
import { type CommitListener, Writer } from "./writer.ts";

export type { Page } from "./collection.ts";
export { Repository, type Stored } from "./repository.ts";
export type { ListQuery } from "./validation.ts";

export interface ResourcesOptions {
  readonly store: Store;
  readonly repository: Repository;
  readonly listener: CommitListener;
  readonly packages: CodePackages;
  readonly endpoint: EndpointInfo;
  readonly clock: Clock;
}

export class Resources {
  readonly services: Services;
  readonly functions: Functions;
  readonly triggers: Triggers;
  readonly customDomains: CustomDomains;

  constructor({ store, repository, listener, packages, endpoint, clock }: ResourcesOptions) {
    const writer = new Writer(store, listener);
    const services = new Collection("service", serviceWords, repository, writer);
    const functions = new Collection("function", functionWords, repository, writer);
    const triggers = new Collection("trigger", triggerWords, repository, writer);
    const domains = new Collection("customDomain", customDomainWords, repository, writer);
    this.services = new Services(services, functions, clock);
    this.functions = new Functions({ services, functions, triggers }, packages, clock);
    this.triggers = new Triggers(this.functions, triggers, endpoint, clock);
    this.customDomains = new CustomDomains(domains, this.functions, endpoint, clock);
  }
}
