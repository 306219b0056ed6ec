import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import { type CustomDomain, type DomainCertificate, type DomainRoute, LATEST } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { EndpointInfo } from "../options.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { defined } from "./defined.ts";
import { checkCertificate } from "./domain-certificate.ts";
import { domainNameFault } from "./domain-name.ts";
import type { Functions } from "./functions.ts";
import type { Stored } from "./repository.ts";
import { methodList } from "./triggers.ts";
import { checked, type ListQuery, name, oneOf, qualifier, settings, text, textList } from "./validation.ts";

export const customDomainWords: KindWords = {
  notFound: "DomainNameNotFound",
  alreadyExists: "DomainNameAlreadyExists",
  describe: (key) => `domain name '${key}'`,
};

const ROUTE_COUNT_MAX = 200;
const PEM_MAX_CHARS = 128 * 1024;

const rules = z.array(z.unknown(), "a list").max(0, "an empty list (this version of Sluice rewrites no paths)");

const route = z
  .object(
    {
      path: z.custom<string>(
        (value) =>
          typeof value === "string" && value.length <= 1024 && /^\/[^*\s?#]*$|^\/([^*\s?#]*\/)?\*$/.test(value),
        "a path that begins with / and is exact or ends in /*",
      ),
      serviceName: name(128),
      functionName: name(64),
      qualifier: qualifier.optional(),
      methods: z.union([methodList, z.tuple([])], "a list of HTTP methods").optional(),
      rewriteConfig: settings({ equalRules: rules, regexRules: rules, wildcardRules: rules }).optional(),
    },
    "an object",
  )
  .transform(({ path, serviceName, functionName, qualifier: wanted = LATEST, methods }): DomainRoute => {
    const allowed = methods === undefined || methods.length === 0 ? {} : { methods };
    return { path, serviceName, functionName, qualifier: wanted, ...allowed };
  });

const certConfig = z.object(
  { certName: text(128), certificate: text(PEM_MAX_CHARS), privateKey: text(PEM_MAX_CHARS) },
  "an object with certName, certificate and privateKey",
);

const tlsVersion = oneOf(["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);

const updateSchema = settings({
  protocol: oneOf(["HTTP", "HTTPS", "HTTP,HTTPS"]),
  routeConfig: settings({ routes: z.array(route, "a list").max(ROUTE_COUNT_MAX, `at most ${ROUTE_COUNT_MAX} routes`) }),
  certConfig: z.union([certConfig, settings({ certName: text(0), certificate: text(0), privateKey: text(0) })], {
    error: "an object with certName, certificate and privateKey, texts in PEM",
  }),
  tlsConfig: settings({ minVersion: tlsVersion, maxVersion: tlsVersion, cipherSuites: textList(100, 128) }),
});
const createSchema = updateSchema.extend({ domainName: text(256) });

type Given = z.output<typeof updateSchema>;

/** Custom domains: host names of the user's own, with certificate and routes. */
export class CustomDomains {
  readonly #domains: Collection<"customDomain">;
  readonly #functions: Functions;
  readonly #endpoint: EndpointInfo;
  readonly #clock: Clock;

  constructor(domains: Collection<"customDomain">, functions: Functions, endpoint: EndpointInfo, clock: Clock) {
    this.#domains = domains;
    this.#functions = functions;
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  async create(input: unknown): Promise<Stored<CustomDomain>> {
    const { domainName, ...given } = checked(createSchema, input);
    const fault = domainNameFault(domainName, this.#endpoint);
    if (fault !== undefined) invalid(`domainName: expected ${fault}, got ${JSON.stringify(domainName)}`);
    const now = this.#clock.epochMs();
    const draft: CustomDomain = { domainName, protocol: "HTTP", routes: [], createdAt: now, lastModifiedAt: now };
    return this.#domains.create(keyOfDomain(domainName), () => this.#changed(draft, given));
  }

  get(domainName: string): Promise<Stored<CustomDomain>> {
    return this.#domains.get(keyOfDomain(domainName));
  }

  list(query: ListQuery): Promise<Page<CustomDomain>> {
    return this.#domains.list("", query);
  }

  async update(domainName: string, input: unknown, ifMatch?: string): Promise<Stored<CustomDomain>> {
    const given = checked(updateSchema, input);
    return this.#domains.update(keyOfDomain(domainName), ifMatch, async (current) => {
      const changed = await this.#changed(current, given);
      return { ...changed, lastModifiedAt: this.#clock.epochMs() };
    });
  }

  delete(domainName: string, ifMatch?: string): Promise<void> {
    return this.#domains.delete(keyOfDomain(domainName), ifMatch, async () => {});
  }

  async #changed(current: CustomDomain, given: Given): Promise<CustomDomain> {
    const { routeConfig, certConfig: pair, ...others } = given;
    const routes = routeConfig?.routes;
    if (routes !== undefined) await this.#checkRoutes(routes);
    const certificate = pair !== undefined && isPair(pair) ? pair : current.certificate;
    if (certificate !== undefined && certificate !== current.certificate) {
      checkCertificate(certificate, current.domainName, this.#clock.epochMs());
    }
    const changed: CustomDomain = {
      ...current,
      ...defined(others),
      ...(routes !== undefined && { routes }),
      ...(certificate !== undefined && { certificate }),
    };
    if (changed.protocol !== "HTTP" && changed.certificate === undefined) {
      invalid(`certConfig: expected certificate and key, which protocol ${changed.protocol} needs, got nothing`);
    }
    return changed;
  }

  async #checkRoutes(routes: readonly DomainRoute[]): Promise<void> {
    const paths = new Set<string>();
    for (const { path, serviceName, functionName, qualifier: wanted } of routes) {
      if (paths.has(path)) invalid(`routeConfig.routes: expected each path once, got ${JSON.stringify(path)} twice`);
      paths.add(path);
      await this.#functions.check(serviceName, functionName, wanted);
    }
  }
}

/** Host names differ not by case (RFC 4343). */
export function keyOfDomain(domainName: string): string {
  return domainName.toLowerCase();
}

function isPair(given: NonNullable<Given["certConfig"]>): given is DomainCertificate {
  return Boolean(given.certificate) && Boolean(given.privateKey);
}
