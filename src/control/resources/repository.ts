import type {
  AccessKeySetting,
  Alias,
  CustomDomain,
  FunctionResource,
  OnDemandSetting,
  ProvisionSetting,
  ResourceTags,
  Service,
  Trigger,
  Version,
  VersionCounter,
} from "../../model/model.ts";
import type {
  Change,
  DocumentId,
  DocumentKind,
  Expectation,
  ListOptions,
  Store,
  StoredDocument,
} from "../../store/store.ts";

/** What is stored under each kind. */
export interface ResourceKinds {
  readonly service: Service;
  readonly function: FunctionResource;
  readonly trigger: Trigger;
  readonly customDomain: CustomDomain;
  readonly version: Version;
  /** A function as it was when its version was published. */
  readonly versionFunction: FunctionResource;
  readonly versionCounter: VersionCounter;
  readonly alias: Alias;
  readonly onDemandConfig: OnDemandSetting;
  readonly provisionConfig: ProvisionSetting;
  readonly resourceTags: ResourceTags;
  readonly accessKey: AccessKeySetting;
}

/** A resource with its ETag. */
export interface Stored<T> {
  readonly key: string;
  readonly value: T;
  readonly etag: string;
}

/** Reading resources, wherever they are. */
export type Reads = Pick<Repository, "get" | "list">;

/** One account's resources in the store, by kind. Documents were checked when they were written. */
export class Repository {
  readonly accountId: string;
  readonly #store: Store;

  constructor(store: Store, accountId: string) {
    this.#store = store;
    this.accountId = accountId;
  }

  async get<Kind extends DocumentKind>(kind: Kind, key: string): Promise<Stored<ResourceKinds[Kind]> | undefined> {
    const document = await this.#store.get(this.#id(kind, key));
    return document === undefined ? undefined : typed<Kind>(document);
  }

  async list<Kind extends DocumentKind>(kind: Kind, options: ListOptions = {}): Promise<Stored<ResourceKinds[Kind]>[]> {
    return (await this.#store.list(this.accountId, kind, options)).map(typed<Kind>);
  }

  put<Kind extends DocumentKind>(kind: Kind, key: string, value: ResourceKinds[Kind]): Change {
    return { type: "put", ...this.#id(kind, key), value };
  }

  delete(kind: DocumentKind, key: string): Change {
    return { type: "delete", ...this.#id(kind, key) };
  }

  expect(kind: DocumentKind, key: string, etag: string): Expectation {
    return { ...this.#id(kind, key), etag };
  }

  #id(kind: DocumentKind, key: string): DocumentId {
    return { accountId: this.accountId, kind, key };
  }
}

function typed<Kind extends DocumentKind>(document: StoredDocument): Stored<ResourceKinds[Kind]> {
  return { key: document.key, value: document.value as ResourceKinds[Kind], etag: document.etag };
}
