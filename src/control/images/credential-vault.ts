import { ApiError } from "../api-error.ts";
import type { Vault } from "../vault.ts";

/** User name and password (or token) for a registry. */
export interface RegistryCredentials {
  readonly userName: string;
  readonly password: string;
}

/** Credentials in the vault, each for the one registry that it was sealed for. */
export class CredentialVault {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** Rejects with an Error where the vault's key can be neither read nor made. */
  seal(credentials: RegistryCredentials, registry: string): Promise<string> {
    return this.#vault.seal(JSON.stringify(credentials), registry);
  }

  /** Rejects with an ApiError that says what to do where the text is damaged or of another key or registry. */
  async open(sealed: string, registry: string): Promise<RegistryCredentials> {
    try {
      return JSON.parse(await this.#vault.open(sealed, registry)) as RegistryCredentials;
    } catch (error) {
      throw new ApiError(
        "InvalidArgument",
        `The credentials that are stored for ${registry} cannot be decrypted with ${this.#vault.keyFile}: send ` +
          "customContainerConfig.registryConfig.authConfig again",
        { cause: error },
      );
    }
  }
}
