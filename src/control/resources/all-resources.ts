import type { DocumentKind, ListOptions } from "../../store/store.ts";
import type { Reads, Repository, ResourceKinds, Stored } from "./repository.ts";

/** As data, and all of them. */
const KINDS = Object.keys({
  service: true,
  function: true,
  trigger: true,
  customDomain: true,
  version: true,
  versionFunction: true,
  versionCounter: true,
  alias: true,
  onDemandConfig: true,
  provisionConfig: true,
  accessKey: true,
  resourceTags: true,
} satisfies Record<DocumentKind, true>) as DocumentKind[];

type Any = Stored<ResourceKinds[DocumentKind]>;

/**
 * All resources as of one moment, in memory: for what looks at every one of them, as a start does. A hundred thousand
 * functions are read with a dozen queries so, not with a million. No commit may come while they are read.
 */
export class AllResources implements Reads {
  readonly #kinds: ReadonlyMap<DocumentKind, KindIndex>;

  private constructor(kinds: ReadonlyMap<DocumentKind, KindIndex>) {
    this.#kinds = kinds;
  }

  static async read(repository: Repository): Promise<AllResources> {
    const kinds = new Map<DocumentKind, KindIndex>();
    for (const kind of KINDS) kinds.set(kind, new KindIndex(await repository.list(kind)));
    return new AllResources(kinds);
  }

  async get<Kind extends DocumentKind>(kind: Kind, key: string): Promise<Stored<ResourceKinds[Kind]> | undefined> {
    return this.#kinds.get(kind)?.get(key) as Stored<ResourceKinds[Kind]> | undefined;
  }

  /** By whole names alone: of the options there is `prefix`, empty or with a slash at its end. */
  async list<Kind extends DocumentKind>(kind: Kind, options: ListOptions = {}): Promise<Stored<ResourceKinds[Kind]>[]> {
    return (this.#kinds.get(kind)?.below(options) ?? []) as Stored<ResourceKinds[Kind]>[];
  }
}

/** The resources of a kind: by key, and by each path of parents that was asked for. */
class KindIndex {
  readonly #all: readonly Any[];
  readonly #byKey: ReadonlyMap<string, Any>;
  /** By the number of names in the path. */
  readonly #byParents = new Map<number, ReadonlyMap<string, Any[]>>();

  constructor(all: readonly Any[]) {
    this.#all = all;
    this.#byKey = new Map(all.map((each) => [each.key, each]));
  }

  get(key: string): Any | undefined {
    return this.#byKey.get(key);
  }

  below({ prefix = "", ...others }: ListOptions): readonly Any[] {
    if (Object.keys(others).length > 0 || (prefix !== "" && !prefix.endsWith("/"))) {
      throw new TypeError("Only whole names of parents are looked up here");
    }
    if (prefix === "") return this.#all;
    const depth = prefix.split("/").length - 1;
    let index = this.#byParents.get(depth);
    if (index === undefined) {
      index = Map.groupBy(this.#all, ({ key }) => parentsOf(key, depth));
      this.#byParents.set(depth, index);
    }
    return index.get(prefix) ?? [];
  }
}

/** The first names of a key with their slashes; empty where it has no more than so many. */
function parentsOf(key: string, depth: number): string {
  let end = -1;
  for (let name = 0; name < depth; name += 1) {
    end = key.indexOf("/", end + 1);
    if (end === -1) return "";
  }
  return key.slice(0, end + 1);
}
