import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { ContainerSetting, FunctionResource, FunctionSource } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { CodePackages, HeldPackage } from "../code/code-packages.ts";
import { ReceivedZip } from "../code/received-zip.ts";
import type { CredentialVault, RegistryCredentials } from "../images/credential-vault.ts";
import type { Images } from "../images/images.ts";
import { registryOf } from "../images/registry-name.ts";
import {
  CONTAINER_RUNTIME,
  containerAfter,
  credentialsGiven,
  type customContainerConfig,
} from "./container-settings.ts";

const ZIP_EXPECTED = "the zip as a base64 text (this version of Sluice fetches no code from OSS)";

export const codeSchema = z
  .object(
    {
      zipFile: z.custom<ReceivedZip>((value) => value instanceof ReceivedZip, ZIP_EXPECTED).optional(),
      packageId: z
        .custom<string>((value) => /^[0-9a-f]{64}$/.test(String(value)), "the id that the upload of a package answered")
        .optional(),
    },
    "an object with zipFile",
  )
  .refine(({ zipFile, packageId }) => (zipFile === undefined) !== (packageId === undefined), {
    path: ["zipFile"],
    error: `${ZIP_EXPECTED}, or packageId in its place`,
  });

/** What a write says of a function's code. */
export interface SourceGiven {
  readonly serviceName: string;
  readonly functionName: string;
  /** That of the function after the write. */
  readonly runtime: string;
  readonly code: z.output<typeof codeSchema> | undefined;
  readonly customContainerConfig: z.output<typeof customContainerConfig> | undefined;
  /** CRC-64 of the zip in decimal, compared where given (`X-Fc-Code-Checksum`). */
  readonly checksum: string | undefined;
}

/** What a function will run. A package stays on disk while it is held, before any function names it. */
export interface HeldSource extends Disposable {
  /** Throws an ApiError where another write has changed meanwhile what this one was made from. */
  for(current: FunctionResource | undefined): FunctionSource;
}

export interface FunctionSourcesOptions {
  readonly packages: CodePackages;
  readonly images: Images;
  readonly vault: CredentialVault;
}

/** Takes in what functions run: packages to disk, images to this machine's container engine. */
export class FunctionSources {
  readonly #packages: CodePackages;
  readonly #images: Images;
  readonly #vault: CredentialVault;

  constructor({ packages, images, vault }: FunctionSourcesOptions) {
    this.#packages = packages;
    this.#images = images;
    this.#vault = vault;
  }

  /** `before`: the function as it stands, absent at creation. May take as long as a pull takes. */
  async take(given: SourceGiven, before?: FunctionResource): Promise<HeldSource> {
    const { runtime, code, customContainerConfig: container } = given;
    if (runtime !== CONTAINER_RUNTIME) {
      if (container?.image) {
        invalid(`customContainerConfig: expected runtime ${CONTAINER_RUNTIME} with an image, got runtime ${runtime}`);
      }
      return this.#code(given, before);
    }
    if (code !== undefined) {
      invalid(`code: expected nothing with runtime ${CONTAINER_RUNTIME}, where the image is the code`);
    }
    const stands = before?.customContainerConfig;
    if (container === undefined && stands !== undefined) {
      return held((current) => ({ customContainerConfig: current?.customContainerConfig ?? overtaken(given) }));
    }
    const setting = await this.#image(given, stands);
    return held((current) => {
      // What the write leaves out was filled in from what stood before the pull.
      if (!isDeepStrictEqual(current?.customContainerConfig, stands)) overtaken(given);
      return { customContainerConfig: setting };
    });
  }

  async #code({ code, checksum, ...given }: SourceGiven, before: FunctionResource | undefined): Promise<HeldSource> {
    if (code === undefined && before?.code === undefined) {
      invalid("code: expected an object with zipFile, got nothing");
    }
    const taken = code === undefined ? undefined : await this.#package(code, checksum);
    return held(
      (current) => {
        // By now it may run an image.
        if ((current?.code === undefined) !== (before?.code === undefined)) overtaken(given);
        return { code: taken?.code ?? current?.code ?? overtaken(given) };
      },
      () => taken?.[Symbol.dispose](),
    );
  }

  async #package(
    { zipFile, packageId = "" }: NonNullable<SourceGiven["code"]>,
    checksum: string | undefined,
  ): Promise<HeldPackage> {
    const held =
      zipFile === undefined
        ? ((await this.#packages.find(packageId)) ?? noPackage(packageId))
        : await this.#packages.add(zipFile);
    if (checksum === undefined || checksum === "" || checksum === held.code.checksum) return held;
    held[Symbol.dispose]();
    return invalid(
      `X-Fc-Code-Checksum: expected ${held.code.checksum}, which is the CRC-64 of the zip, got ${checksum}`,
    );
  }

  /** The reference led to an id anew, also where it is the same as before. */
  async #image(given: SourceGiven, stands: ContainerSetting | undefined): Promise<ContainerSetting> {
    const { serviceName, functionName, customContainerConfig: container } = given;
    const words = containerAfter(stands, container);
    const { credentials, sealed } = await this.#credentials(words.image, credentialsGiven(container), stands);
    const imageId = await this.#images.resolve({ serviceName, functionName, reference: words.image, credentials });
    return { ...words, imageId, ...(sealed !== undefined && { sealedCredentials: sealed }) };
  }

  /** Those given, else those that stand, which go to no other registry than the one they were given for. */
  async #credentials(
    image: string,
    given: RegistryCredentials | "none" | undefined,
    stands: ContainerSetting | undefined,
  ): Promise<{ credentials?: RegistryCredentials; sealed?: string }> {
    if (given === "none") return {};
    const registry = registryOf(image);
    const before =
      stands?.sealedCredentials !== undefined && registryOf(stands.image) === registry
        ? stands.sealedCredentials
        : undefined;
    if (given === undefined) {
      return before === undefined ? {} : { credentials: await this.#vault.open(before, registry), sealed: before };
    }
    // The same ones stay as they were sealed, so that nothing seems to have changed (a rollback compares).
    const same = before !== undefined && (await this.#isSealed(before, registry, given));
    return { credentials: given, sealed: same ? before : await this.#vault.seal(given, registry) };
  }

  async #isSealed(sealed: string, registry: string, credentials: RegistryCredentials): Promise<boolean> {
    try {
      return isDeepStrictEqual(await this.#vault.open(sealed, registry), credentials);
    } catch (error) {
      // Sealed with a key that is lost: sealed anew.
      if (error instanceof ApiError) return false;
      throw error;
    }
  }
}

function held(source: HeldSource["for"], release: () => void = () => undefined): HeldSource {
  return { for: source, [Symbol.dispose]: release };
}

function noPackage(packageId: string): never {
  return invalid(
    `code.packageId: there is no package ${packageId} (any more): upload it again, it is kept for an hour`,
  );
}

function overtaken({ serviceName, functionName }: { serviceName: string; functionName: string }): never {
  throw new ApiError(
    "ConcurrentUpdateError",
    `function '${functionName}' of service '${serviceName}' has been changed meanwhile by another update: read it again`,
  );
}
