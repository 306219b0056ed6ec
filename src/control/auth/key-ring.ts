import type { Logger } from "../../base/base.ts";
import type { AccessKeyEntry, AccessKeySetting } from "../../model/model.ts";
import type { AccessKey } from "../../signing/signing.ts";
import type { Repository } from "../resources/resources.ts";
import type { Vault } from "../vault.ts";

/** The active keys with their secrets, as the API verifies requests and as the data plane is told of them. */
export class KeyRing {
  readonly #first: AccessKey;
  readonly #repository: Repository;
  readonly #vault: Vault;
  readonly #logger: Logger;
  readonly #secrets = new Map<string, string>();

  /** `first`: the key of `credentials.json`, active unless it was disabled. */
  constructor(first: AccessKey, repository: Repository, vault: Vault, logger: Logger) {
    this.#first = first;
    this.#repository = repository;
    this.#vault = vault;
    this.#logger = logger;
  }

  get firstId(): string {
    return this.#first.accessKeyId;
  }

  get activeIds(): readonly string[] {
    return [...this.#secrets.keys()];
  }

  /** Undefined: no such key, or it is disabled. */
  secretOf(accessKeyId: string): string | undefined {
    return this.#secrets.get(accessKeyId);
  }

  /** Reads all keys. */
  async load(): Promise<AccessKeyEntry[]> {
    const stored = await this.#repository.list("accessKey");
    const ids = new Set([this.firstId, ...stored.map(({ key }) => key)]);
    const entries = await Promise.all([...ids].map((id) => this.refresh(id)));
    return entries.filter((entry) => entry !== undefined);
  }

  /** Reads one key anew, after it was written. Undefined: nothing may be signed with it. */
  async refresh(accessKeyId: string): Promise<AccessKeyEntry | undefined> {
    const stored = await this.#repository.get("accessKey", accessKeyId);
    const accessKeySecret = await this.#read(accessKeyId, stored?.value);
    if (accessKeySecret === undefined) {
      this.#secrets.delete(accessKeyId);
      return undefined;
    }
    this.#secrets.set(accessKeyId, accessKeySecret);
    return { kind: "accessKey", accessKeyId, accessKeySecret };
  }

  async #read(accessKeyId: string, setting: AccessKeySetting | undefined): Promise<string | undefined> {
    if (setting?.disabled) return undefined;
    if (accessKeyId === this.firstId) return this.#first.accessKeySecret;
    if (setting?.sealedSecret === undefined) return undefined;
    try {
      return await this.#vault.open(setting.sealedSecret, purposeOf(accessKeyId));
    } catch (error) {
      this.#logger.error("The secret of an access key cannot be decrypted: nothing is taken that is signed with it", {
        accessKeyId,
        keyFile: this.#vault.keyFile,
        error,
      });
      return undefined;
    }
  }
}

/** What the secret of a key is sealed for. */
export function purposeOf(accessKeyId: string): string {
  return `access key ${accessKeyId}`;
}
