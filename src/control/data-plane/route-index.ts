import { type CustomDomain, type FunctionKey, functionKey } from "../../model/model.ts";

/** Which custom domains lead to which functions, and under which qualifiers; so that no change looks at all domains. */
export class RouteIndex {
  /** By function, then by domain. */
  readonly #qualifiers = new Map<FunctionKey, Map<string, Set<string>>>();
  /** By domain. */
  readonly #functions = new Map<string, Set<FunctionKey>>();

  /** Takes the routes of a domain in place of those that it had. */
  put({ domainName, routes }: CustomDomain): void {
    const domainKey = domainName.toLowerCase();
    this.delete(domainKey);
    const functions = new Set<FunctionKey>();
    for (const { serviceName, functionName, qualifier } of routes) {
      const key = functionKey(serviceName, functionName);
      functions.add(key);
      const domains = getOrMake(this.#qualifiers, key, () => new Map<string, Set<string>>());
      getOrMake(domains, domainKey, () => new Set<string>()).add(qualifier);
    }
    this.#functions.set(domainKey, functions);
  }

  delete(domainKey: string): void {
    for (const key of this.#functions.get(domainKey) ?? []) {
      const domains = this.#qualifiers.get(key);
      domains?.delete(domainKey);
      if (domains?.size === 0) this.#qualifiers.delete(key);
    }
    this.#functions.delete(domainKey);
  }

  /** Functions that a domain leads to, each under its key without qualifier. */
  functionsOf(domainKey: string): ReadonlySet<FunctionKey> {
    return this.#functions.get(domainKey) ?? new Set();
  }

  /** Keys of the domains that lead to a function. */
  domainsOf(serviceName: string, functionName: string): string[] {
    return [...(this.#qualifiers.get(functionKey(serviceName, functionName))?.keys() ?? [])];
  }

  /** Qualifiers under which domains lead to a function. */
  qualifiersOf(serviceName: string, functionName: string): Set<string> {
    const domains = this.#qualifiers.get(functionKey(serviceName, functionName));
    return new Set([...(domains?.values() ?? [])].flatMap((qualifiers) => [...qualifiers]));
  }
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
