/** What the kinds of resources have in common: reading, pages, preconditions, writing one after the other. */
import type { Change, DocumentKind } from "../../store/store.ts";
import { ApiError, type ApiErrorCode } from "../api-error.ts";
import type { Repository, ResourceKinds, Stored } from "./repository.ts";
import { type ListQuery, listRange } from "./validation.ts";
import type { Writer } from "./writer.ts";

export interface Page<T> {
  readonly items: readonly Stored<T>[];
  /** Where the next page starts; absent on the last one. */
  readonly nextToken?: string;
}

/** How a kind names itself to the caller. */
export interface KindWords {
  readonly notFound: ApiErrorCode;
  readonly alreadyExists: ApiErrorCode;
  /** Of a key: `function 'f' does not exist in service 's'`. */
  describe(key: string): string;
}

export class Collection<Kind extends DocumentKind> {
  readonly #kind: Kind;
  readonly #words: KindWords;
  readonly #repository: Repository;
  readonly #writer: Writer;

  constructor(kind: Kind, words: KindWords, repository: Repository, writer: Writer) {
    this.#kind = kind;
    this.#words = words;
    this.#repository = repository;
    this.#writer = writer;
  }

  find(key: string): Promise<Stored<ResourceKinds[Kind]> | undefined> {
    return this.#repository.get(this.#kind, key);
  }

  /** Rejects with the kind's `notFound`. */
  async get(key: string): Promise<Stored<ResourceKinds[Kind]>> {
    const found = await this.find(key);
    if (found !== undefined) return found;
    throw new ApiError(this.#words.notFound, `${this.#words.describe(key)} does not exist`);
  }

  /** One page of those below `parent` ("" or `service/`, `service/function/`), in the order of their names. */
  async list(parent: string, query: ListQuery): Promise<Page<ResourceKinds[Kind]>> {
    const { prefix, startKey, limit } = listRange(query);
    const range = { prefix: parent + prefix, startKey: parent + startKey, limit: limit + 1 };
    const found = await this.#repository.list(this.#kind, range);
    const next = found[limit];
    if (next === undefined) return { items: found };
    return { items: found.slice(0, limit), nextToken: next.key.slice(parent.length) };
  }

  /** All of those below `parent`. */
  async all(parent: string): Promise<ResourceKinds[Kind][]> {
    return (await this.#repository.list(this.#kind, { prefix: parent })).map(({ value }) => value);
  }

  /** Whether anything is below `parent`. */
  async any(parent: string): Promise<boolean> {
    return (await this.#repository.list(this.#kind, { prefix: parent, limit: 1 })).length > 0;
  }

  /**
   * Creates what `make` returns; `make` runs while no other write does and may refuse. Rejects with the kind's
   * `alreadyExists`.
   */
  create(key: string, make: () => Promise<ResourceKinds[Kind]>): Promise<Stored<ResourceKinds[Kind]>> {
    return this.#writer.write(async () => {
      const value = await make();
      if ((await this.find(key)) !== undefined) {
        throw new ApiError(this.#words.alreadyExists, `${this.#words.describe(key)} already exists`);
      }
      return this.#put(key, value, "absent");
    });
  }

  /** Replaces a resource by what `make` returns of it. `ifMatch`: the ETag that it must have. */
  update(
    key: string,
    ifMatch: string | undefined,
    make: (current: ResourceKinds[Kind]) => Promise<ResourceKinds[Kind]>,
  ): Promise<Stored<ResourceKinds[Kind]>> {
    return this.#writer.write(async () => {
      const current = await this.get(key);
      checkPrecondition(this.#words, current, ifMatch);
      return this.#put(key, await make(current.value), current.etag);
    });
  }

  /**
   * Replaces a resource by what `make` returns, or creates it. `ifMatch`: the ETag that it must have, which none has
   * that is not there.
   */
  put(
    key: string,
    ifMatch: string | undefined,
    make: () => Promise<ResourceKinds[Kind]>,
  ): Promise<Stored<ResourceKinds[Kind]>> {
    return this.#writer.write(async () => {
      const value = await make();
      const current = await this.find(key);
      if (current !== undefined) checkPrecondition(this.#words, current, ifMatch);
      else if (ifMatch) {
        throw new ApiError("PreconditionFailed", `${this.#words.describe(key)} does not exist, so it has no ETag`);
      }
      return this.#put(key, value, current?.etag ?? "absent");
    });
  }

  /** Deletes a resource. `check` may refuse, and may give what else goes with it. */
  delete(key: string, ifMatch: string | undefined, check: () => Promise<readonly Change[] | undefined>): Promise<void> {
    return this.#writer.write(async () => {
      const current = await this.get(key);
      checkPrecondition(this.#words, current, ifMatch);
      const others = (await check()) ?? [];
      return {
        changes: [this.#repository.delete(this.#kind, key), ...others],
        expected: [this.#repository.expect(this.#kind, key, current.etag)],
        answer: () => undefined,
      };
    });
  }

  #put(key: string, value: ResourceKinds[Kind], etag: string) {
    return {
      changes: [this.#repository.put(this.#kind, key, value)],
      expected: [this.#repository.expect(this.#kind, key, etag)],
      answer: (etags: readonly string[]) => ({ key, value, etag: etags[0] ?? "" }),
    };
  }
}

/** Rejects with PreconditionFailed where `ifMatch` is another ETag than that of now. */
export function checkPrecondition(words: KindWords, current: Stored<unknown>, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === "" || ifMatch === "*") return;
  if (ifMatch.replace(/^"(.*)"$/, "$1") === current.etag) return;
  const subject = words.describe(current.key);
  throw new ApiError("PreconditionFailed", `${subject} has been changed: its ETag is ${current.etag}, read it again`);
}
