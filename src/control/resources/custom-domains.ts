import type { Clock } from "../../base/base.ts";
import type { CustomDomain, DomainInfo, DomainRoute } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { DomainCa, EndpointInfo } from "../options.ts";
import type { AutoDomains } from "./auto-domain.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import {
  createDomainSchema,
  type GivenDomain,
  updateDomainSchema,
  type WantedCertificate,
} from "./custom-domain-settings.ts";
import { defined } from "./defined.ts";
import { checkCertificate } from "./domain-certificate.ts";
import { domainInfo } from "./domain-info.ts";
import { domainNameFault, isInZone, isServed } from "./domain-name.ts";
import type { Functions } from "./functions.ts";
import type { Stored } from "./repository.ts";
import { checked, type ListQuery } from "./validation.ts";

export const customDomainWords: KindWords = {
  notFound: "DomainNameNotFound",
  alreadyExists: "DomainNameAlreadyExists",
  describe: (key) => `domain name '${key}'`,
};

export interface AcmeRules {
  /** Why a domain cannot have a certificate by ACME, as "expected ..."; undefined where it can. */
  faultOf(domainName: string): string | undefined;
  /** A domain has asked for one. */
  asked(): void;
}

export interface CustomDomainsOptions {
  readonly domains: Collection<"customDomain">;
  readonly functions: Functions;
  readonly autoDomains: AutoDomains;
  readonly endpoint: EndpointInfo;
  readonly domainCa: DomainCa;
  readonly acmeRules: AcmeRules;
  readonly clock: Clock;
}

/** Custom domains: host names of the user's own, with certificate and routes. */
export class CustomDomains {
  readonly #options: CustomDomainsOptions;
  readonly #domains: Collection<"customDomain">;
  readonly #clock: Clock;

  constructor(options: CustomDomainsOptions) {
    this.#options = options;
    this.#domains = options.domains;
    this.#clock = options.clock;
  }

  async create(input: unknown): Promise<Stored<CustomDomain>> {
    const { domainName, ...given } = checked(createDomainSchema, input);
    const fault = domainNameFault(domainName, this.#options.endpoint);
    if (fault !== undefined && !this.#isAutoName(domainName, given.routeConfig?.routes ?? [])) {
      invalid(`domainName: expected ${fault}, got ${JSON.stringify(domainName)}`);
    }
    const now = this.#clock.epochMs();
    const draft: CustomDomain = { domainName, protocol: "HTTP", routes: [], createdAt: now, lastModifiedAt: now };
    const created = await this.#domains.create(keyOfDomain(domainName), () => this.#changed(draft, given));
    return this.#tellAsked(created);
  }

  get(domainName: string): Promise<Stored<CustomDomain>> {
    return this.#domains.get(keyOfDomain(domainName));
  }

  list(query: ListQuery): Promise<Page<CustomDomain>> {
    return this.#domains.list("", query);
  }

  async update(domainName: string, input: unknown, ifMatch?: string): Promise<Stored<CustomDomain>> {
    const given = checked(updateDomainSchema, input);
    const updated = await this.#domains.update(keyOfDomain(domainName), ifMatch, async (current) => {
      const changed = await this.#changed(current, given);
      return { ...changed, lastModifiedAt: this.#clock.epochMs() };
    });
    return this.#tellAsked(updated);
  }

  /** Changes what Sluice itself keeps of a domain: certificates that come and end by themselves. */
  renew(domainName: string, change: (current: CustomDomain) => CustomDomain): Promise<Stored<CustomDomain>> {
    return this.#domains.update(keyOfDomain(domainName), undefined, async (current) => change(current));
  }

  delete(domainName: string, ifMatch?: string): Promise<void> {
    return this.#domains.delete(keyOfDomain(domainName), ifMatch, async () => {});
  }

  /** The name that `domainName: auto` stands for, for this function. */
  autoName(serviceName: string, functionName: string): string {
    return this.#options.autoDomains.nameFor(serviceName, functionName);
  }

  /** How a domain stands, with what clients will not like about it. */
  info(domain: CustomDomain): DomainInfo {
    return domainInfo(domain, this.#options.domainCa.caFile, this.#clock.epochMs());
  }

  #isAutoName(domainName: string, routes: readonly DomainRoute[]): boolean {
    const wanted = keyOfDomain(domainName);
    return routes.some(({ serviceName, functionName }) => this.autoName(serviceName, functionName) === wanted);
  }

  #tellAsked(written: Stored<CustomDomain>): Stored<CustomDomain> {
    if (written.value.acme?.state === "pending") this.#options.acmeRules.asked();
    return written;
  }

  async #changed(current: CustomDomain, given: GivenDomain): Promise<CustomDomain> {
    const { routeConfig, certConfig, ...others } = given;
    const routes = routeConfig?.routes;
    if (routes !== undefined) await this.#checkRoutes(routes);
    const changed = {
      ...this.#withCertificate(current, certConfig),
      ...defined(others),
      ...(routes !== undefined && { routes }),
    };
    return this.#withLocalCertificate(changed);
  }

  /** What is shown stays until something else is given, or has come. */
  #withCertificate(current: CustomDomain, wanted: WantedCertificate): CustomDomain {
    if (wanted === undefined) return current;
    const { certificate: before, acme, ...rest } = current;
    if (wanted === "local") return rest;
    if (wanted === "acme") {
      const fault = this.#options.acmeRules.faultOf(current.domainName);
      if (fault !== undefined) invalid(`certConfig.certName: expected ${fault}, got "acme"`);
      const started = acme ?? { state: "pending", nextAt: this.#clock.epochMs(), failures: 0 };
      return { ...current, acme: started };
    }
    const isSame = before?.certificate === wanted.certificate && before.privateKey === wanted.privateKey;
    if (!isSame) checkCertificate(wanted, this.#clock.epochMs());
    return { ...rest, certificate: wanted };
  }

  async #withLocalCertificate(domain: CustomDomain): Promise<CustomDomain> {
    const { domainName, certificate, localCertificate } = domain;
    const isCovered = certificate !== undefined || localCertificate !== undefined;
    if (!isServed(domain) || isCovered || isInZone(domainName, this.#options.endpoint.domain)) return domain;
    const pair = await this.#options.domainCa.issue(domainName.toLowerCase());
    return { ...domain, localCertificate: { certName: "local", ...pair } };
  }

  async #checkRoutes(routes: readonly DomainRoute[]): Promise<void> {
    const paths = new Set<string>();
    for (const { path, serviceName, functionName, qualifier: wanted } of routes) {
      if (paths.has(path)) invalid(`routeConfig.routes: expected each path once, got ${JSON.stringify(path)} twice`);
      paths.add(path);
      await this.#options.functions.check(serviceName, functionName, wanted);
    }
  }
}

/** Host names differ not by case (RFC 4343). */
export function keyOfDomain(domainName: string): string {
  return domainName.toLowerCase();
}
