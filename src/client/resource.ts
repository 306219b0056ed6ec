import { json, text } from "node:stream/consumers";
import type { Clock } from "../base/base.ts";
import { isNotFound } from "./api-error.ts";
import { type ApiRequest, type Endpoint, send } from "./transport.ts";

/** Most entries of one page (Function Compute's limit). */
const PAGE_LIMIT = "100";

/** Sends requests and reads their JSON answers. */
export class Requester {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;

  constructor(endpoint: Endpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  open(request: ApiRequest) {
    return send(this.#endpoint, this.#clock, request);
  }

  async json<T>(request: ApiRequest): Promise<T> {
    return (await json(await this.open(request))) as T;
  }

  async done(request: ApiRequest): Promise<void> {
    await text(await this.open(request));
  }
}

/** How one kind of resource is spelled in the API. */
export interface ResourceKind {
  /** Singular, as operations are named: `Service` in `CreateService`. */
  readonly noun: string;
  /** Where it is not the noun with an s. */
  readonly plural?: string;
  /** Path of the collection, percent-encoded. */
  readonly path: string;
  /** Which of them a list means; absent: all. */
  readonly query?: Readonly<Record<string, string>>;
  /** Key of the list's documents, for instance `services`. */
  readonly listKey: string;
}

/** One collection of the API: services, a service's functions, a function's triggers, or custom domains. */
export class ResourceCollection<Document> {
  readonly #requester: Requester;
  readonly #kind: ResourceKind;

  constructor(requester: Requester, kind: ResourceKind) {
    this.#requester = requester;
    this.#kind = kind;
  }

  get(name: string): Promise<Document> {
    return this.#requester.json({ method: "GET", path: this.#member(name), action: `Get${this.#kind.noun}` });
  }

  /** As `get`, but undefined where it is not there. */
  async find(name: string): Promise<Document | undefined> {
    try {
      return await this.get(name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  create(document: Document): Promise<Document> {
    return this.#requester.json({
      method: "POST",
      path: this.#kind.path,
      action: `Create${this.#kind.noun}`,
      body: document,
    });
  }

  /** Changes the keys that `change` holds. */
  update(name: string, change: Partial<Document>): Promise<Document> {
    return this.#requester.json({
      method: "PUT",
      path: this.#member(name),
      action: `Update${this.#kind.noun}`,
      body: change,
    });
  }

  delete(name: string): Promise<void> {
    return this.#requester.done({
      method: "DELETE",
      path: this.#member(name),
      action: `Delete${this.#kind.noun}`,
    });
  }

  /** All of them, page by page, in order of their names. */
  async list(): Promise<Document[]> {
    const documents: Document[] = [];
    let nextToken: string | undefined;
    do {
      const page: Record<string, unknown> = await this.#requester.json({
        method: "GET",
        path: this.#kind.path,
        action: `List${this.#kind.plural ?? `${this.#kind.noun}s`}`,
        query: { ...this.#kind.query, limit: PAGE_LIMIT, ...(nextToken !== undefined && { nextToken }) },
      });
      documents.push(...((page[this.#kind.listKey] ?? []) as Document[]));
      nextToken = typeof page["nextToken"] === "string" && page["nextToken"] !== "" ? page["nextToken"] : undefined;
    } while (nextToken !== undefined);
    return documents;
  }

  #member(name: string): string {
    return `${this.#kind.path}/${encodeURIComponent(name)}`;
  }
}
