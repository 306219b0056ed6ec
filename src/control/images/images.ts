/** Which image a function runs: its reference led to an id, with the credentials that its registry asks for. */
import type { Clock } from "../../base/base.ts";
import type { ImagePull } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import type { RegistryCredentials } from "./credential-vault.ts";
import { type DockerLogin, dockerLogin } from "./docker-login.ts";
import { registryOf } from "./registry-name.ts";

/** Finds or pulls images: the container engine of this machine. */
export interface ImageSource {
  /**
   * The image to which `reference` leads now: the one on this machine, else pulled. Rejects with an Error for people;
   * its name is `NoEngineError` where no engine answers.
   */
  resolve(request: {
    readonly reference: string;
    readonly credentials?: { readonly username: string; readonly password: string; readonly serverAddress: string };
    readonly onProgress?: (line: string) => void;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly id: string }>;
  close(): void;
}

/** Images that are looked for at once; each may be a pull of gigabytes. */
export const IMAGES_AT_ONCE_MAX = 8;

/** From the question for an image to its being here; then the pull is ended. The largest images (10 GB) take less. */
export const IMAGE_TIMEOUT_MS = 3_600_000;

export interface ImagesOptions {
  readonly source: ImageSource;
  /** Where `docker login` writes: config.json of Docker's folder. */
  readonly dockerConfigFile: string;
  readonly clock: Clock;
}

export interface WantedImage {
  readonly serviceName: string;
  readonly functionName: string;
  readonly reference: string;
  /** Absent: those of `docker login`, if any. */
  readonly credentials?: RegistryCredentials | undefined;
}

export class Images {
  readonly #options: ImagesOptions;
  readonly #pulls = new Set<ImagePull>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** What is being looked for and pulled now, oldest first. */
  get pulls(): readonly ImagePull[] {
    return [...this.#pulls];
  }

  /** Id of the image. Rejects with an ApiError that has the words of the engine or the registry. */
  async resolve({ serviceName, functionName, reference, credentials }: WantedImage): Promise<string> {
    if (this.#pulls.size >= IMAGES_AT_ONCE_MAX) {
      throw new ApiError(
        "ResourceThrottled",
        `${IMAGES_AT_ONCE_MAX} images are being fetched already: try again when one of them is there`,
      );
    }
    const { source, dockerConfigFile, clock } = this.#options;
    const pull = { serviceName, functionName, image: reference, startedAt: clock.epochMs(), progress: "" };
    this.#pulls.add(pull);
    const deadline = new AbortController();
    const wakeUp = clock.wakeAfter(IMAGE_TIMEOUT_MS, () => deadline.abort(new Error(lateWords(reference))));
    const serverAddress = registryOf(reference);
    let login: DockerLogin | undefined;
    try {
      if (credentials === undefined) login = await dockerLogin(dockerConfigFile, serverAddress);
      const known = login?.kind === "credentials" ? login.credentials : credentials;
      const { id } = await source.resolve({
        reference,
        signal: deadline.signal,
        onProgress: (line) => {
          pull.progress = line;
        },
        ...(known && { credentials: { username: known.userName, password: known.password, serverAddress } }),
      });
      return id;
    } catch (error) {
      throw imageError(error, login, serverAddress);
    } finally {
      wakeUp.cancel();
      this.#pulls.delete(pull);
    }
  }

  /** Ends what is being pulled. */
  close(): void {
    this.#options.source.close();
  }
}

function lateWords(reference: string): string {
  const minutes = IMAGE_TIMEOUT_MS / 60_000;
  return `${reference} was not here within ${minutes} minutes: pull it beforehand (docker pull ${reference}), then deploy again`;
}

/** Without the cause: what a registry client throws may hold the request. `login`: undefined where a write brought its own. */
function imageError(error: unknown, login: DockerLogin | undefined, registry: string): ApiError {
  const words = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.name === "NoEngineError") {
    return new ApiError("ServiceUnavailable", `Functions that are images need a container engine, and ${words}`);
  }
  const isDenied = /denied|unauthorized|authentication|credentials/i.test(words);
  const hint = isDenied ? loginHint(login, registry) : "";
  return new ApiError("InvalidArgument", `customContainerConfig.image: ${words}${hint}`);
}

/** What to do where a registry wants to know who asks. */
function loginHint(login: DockerLogin | undefined, registry: string): string {
  switch (login?.kind) {
    case "none":
      return `. Where it asks for a password: give registryConfig.authConfig, or 'docker login ${registry}' as the user of Sluice`;
    case "helper":
      return (
        `. 'docker login' keeps the password in the credential helper ${login.helper}, which Sluice does not run: give it ` +
        "as registryConfig.authConfig"
      );
    default:
      return "";
  }
}
