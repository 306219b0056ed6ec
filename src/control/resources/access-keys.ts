import { randomBytes } from "node:crypto";
import type { Clock } from "../../base/base.ts";
import type { AccessKeyInfo, AccessKeySetting, NewAccessKey } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import { type KeyRing, purposeOf } from "../auth/key-ring.ts";
import type { Vault } from "../vault.ts";
import type { Collection, KindWords } from "./collection.ts";
import { checked, settings, text } from "./validation.ts";

/** Keys that are kept, disabled ones included. */
const KEYS_MAX = 100;

export const accessKeyWords: KindWords = {
  notFound: "AccessKeyNotFound",
  alreadyExists: "AccessKeyAlreadyExists",
  describe: (key) => `access key '${key}'`,
};

const schema = settings({ description: text(256) });

export interface AccessKeysOptions {
  readonly keys: Collection<"accessKey">;
  readonly ring: KeyRing;
  readonly vault: Vault;
  readonly clock: Clock;
}

/** Access keys: whoever holds one may do everything. The first one stands in `credentials.json`, the others here. */
export class AccessKeys {
  readonly #keys: Collection<"accessKey">;
  readonly #ring: KeyRing;
  readonly #vault: Vault;
  readonly #clock: Clock;

  constructor({ keys, ring, vault, clock }: AccessKeysOptions) {
    this.#keys = keys;
    this.#ring = ring;
    this.#vault = vault;
    this.#clock = clock;
  }

  /** The first key, then the others in the order in which they were made. */
  async list(): Promise<AccessKeyInfo[]> {
    const all = await this.#keys.all("");
    const others = all
      .filter(({ accessKeyId }) => accessKeyId !== this.#ring.firstId)
      .sort((left, right) => left.createdAt - right.createdAt);
    return [this.#info(this.#ring.firstId, undefined), ...others.map((each) => this.#info(each.accessKeyId, each))];
  }

  /** The only time that a secret is told. */
  async create(input: unknown): Promise<NewAccessKey> {
    const { description = "" } = checked(schema, input);
    const accessKeyId = `SLUICE${randomBytes(9).toString("hex")}`;
    const accessKeySecret = randomBytes(24).toString("base64url");
    const { value } = await this.#keys.create(accessKeyId, async () => {
      if ((await this.#keys.all("")).length >= KEYS_MAX) {
        throw new ApiError(
          "LimitExceededError",
          `There are ${KEYS_MAX} access keys, the most that are kept: delete one`,
        );
      }
      const now = this.#clock.epochMs();
      return {
        accessKeyId,
        description,
        sealedSecret: await this.#vault.seal(accessKeySecret, purposeOf(accessKeyId)),
        disabled: false,
        createdAt: now,
        lastModifiedAt: now,
      };
    });
    return { ...this.#info(accessKeyId, value), accessKeySecret };
  }

  /** For good; when it resolves nothing is taken any more that is signed with it. */
  async disable(accessKeyId: string): Promise<AccessKeyInfo> {
    const lastModifiedAt = this.#clock.epochMs();
    const disabled = (setting: AccessKeySetting): AccessKeySetting => {
      if (this.#ring.activeIds.every((id) => id === accessKeyId)) {
        const message = `'${accessKeyId}' is the last active access key, and without one nobody could ask for anything: create another first`;
        throw new ApiError("AccessKeyInUse", message);
      }
      return { ...setting, disabled: true, lastModifiedAt };
    };
    const { value } =
      accessKeyId === this.#ring.firstId
        ? await this.#keys.put(accessKeyId, undefined, async () =>
            disabled({ accessKeyId, description: "", disabled: true, createdAt: lastModifiedAt, lastModifiedAt }),
          )
        : await this.#keys.update(accessKeyId, undefined, async (current) => disabled(current));
    return this.#info(accessKeyId, value);
  }

  /** Forgets a key that is disabled. */
  async delete(accessKeyId: string): Promise<void> {
    if (accessKeyId === this.#ring.firstId) {
      throw new ApiError(
        "AccessKeyInUse",
        `'${accessKeyId}' is the first access key, of credentials.json: it can be disabled alone`,
      );
    }
    await this.#keys.delete(accessKeyId, undefined, async () => {
      if (this.#ring.activeIds.includes(accessKeyId)) {
        throw new ApiError("AccessKeyInUse", `The access key '${accessKeyId}' is active: disable it first`);
      }
      return undefined;
    });
  }

  #info(accessKeyId: string, setting: AccessKeySetting | undefined): AccessKeyInfo {
    const isFirst = accessKeyId === this.#ring.firstId;
    const isActive = this.#ring.secretOf(accessKeyId) !== undefined;
    const inactive = isFirst || setting?.disabled ? "disabled" : "unreadable";
    return {
      accessKeyId,
      description: isFirst ? "of credentials.json" : (setting?.description ?? ""),
      status: isActive ? "active" : inactive,
      isFirst,
      ...(!isFirst && setting && { createdAt: setting.createdAt }),
    };
  }
}
