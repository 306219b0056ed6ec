import type { QualifiedName } from "../resources/resources.ts";

/** Functions kept in the data plane under a qualifier for being invoked alone; the longest unused go first. */
const KEPT_MAX = 1000;

/**
 * The functions under other qualifiers than LATEST that were invoked by the API since the start: nothing else may lead to
 * them, but the data plane has to run them.
 */
export class InvokedQualifiers {
  /** By `service/function/qualifier`; what resolves when the data plane has it. The last used at the end. */
  readonly #served = new Map<string, Promise<void>>();

  /** Has `serve` called, once, for a function that is not there yet. Rejects as `serve` does. */
  serve({ serviceName, functionName, qualifier }: QualifiedName, serve: () => Promise<void>): Promise<void> {
    const key = `${serviceName}/${functionName}/${qualifier}`;
    const known = this.#served.get(key);
    this.#served.delete(key);
    if (known !== undefined) {
      this.#served.set(key, known);
      return known;
    }
    const oldest = this.#served.size < KEPT_MAX ? undefined : this.#served.keys().next().value;
    if (oldest !== undefined) this.#served.delete(oldest);
    const serving = Promise.resolve().then(serve);
    this.#served.set(key, serving);
    serving.catch(() => this.#served.delete(key));
    return serving;
  }

  /** Qualifiers under which a function was invoked. */
  of(serviceName: string, functionName: string): string[] {
    return this.#below(`${serviceName}/${functionName}/`);
  }

  /** Functions of a service that were invoked under a qualifier. */
  functionsUnder(serviceName: string, qualifier: string): string[] {
    return this.#below(`${serviceName}/`)
      .filter((key) => key.endsWith(`/${qualifier}`))
      .map((key) => key.slice(0, -qualifier.length - 1));
  }

  #below(prefix: string): string[] {
    return [...this.#served.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }
}
