/** Images for functions: found on this machine, or pulled, and from then on named by their id. */
import type Docker from "dockerode";
import { type Engine, type EngineOptions, engineStatus, engineWords, openEngine } from "./engine.ts";
import { isImageId, parseImageReference } from "./image-reference.ts";
import { PullProgress } from "./pull-progress.ts";

export interface ImageSource {
  /**
   * The image to which `reference` leads now. One that is here already is taken as it is; else it is pulled. Rejects
   * with an Error: what is no reference, no engine, the registry's own words, or an image for another CPU or system.
   */
  resolve(request: ImageRequest): Promise<{ id: string }>;
  /** Whether the image is on this machine. Rejects where no engine answers. */
  isPresent(id: string): Promise<boolean>;
  /** Ends what is being pulled. Idempotent. */
  close(): void;
}

export interface ImageRequest {
  readonly reference: string;
  readonly credentials?: RegistryCredentials;
  /** Told what a pull does, in short lines, at most about one a second. */
  readonly onProgress?: (line: string) => void;
  /** Ends the pull; `resolve` rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** Host of the registry. */
  readonly serverAddress: string;
}

/** Looks for an engine only when it is needed. */
export function openImageSource(options: EngineOptions = {}): ImageSource {
  const closing = new AbortController();
  return {
    async resolve(request) {
      const signals = request.signal === undefined ? [closing.signal] : [closing.signal, request.signal];
      const signal = AbortSignal.any(signals);
      signal.throwIfAborted();
      const { full } = parseImageReference(request.reference);
      const engine = await openEngine(options);
      const present = await inspect(engine, request.reference);
      if (present !== undefined) return accept(engine, request.reference, present);
      await pull(engine, full, request, signal);
      const pulled = await inspect(engine, request.reference);
      if (pulled === undefined) throw new Error(`the image ${request.reference} was pulled, but is not there`);
      return accept(engine, request.reference, pulled);
    },
    async isPresent(id) {
      if (!isImageId(id)) throw new Error(`${JSON.stringify(id)} is not the id of an image (sha256:...)`);
      return (await inspect(await openEngine(options), id)) !== undefined;
    },
    close() {
      closing.abort(new Error("the image source is closed"));
    },
  };
}

/** Undefined when it is not on this machine. */
async function inspect({ docker }: Engine, reference: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await docker.getImage(reference).inspect();
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw new Error(`the image ${reference} cannot be looked up: ${engineWords(error)}`);
  }
}

/** The id of an image that this engine can run. */
async function accept({ docker }: Engine, reference: string, image: Docker.ImageInspectInfo): Promise<{ id: string }> {
  const { Arch: engineCpu } = await docker.version();
  if (image.Os !== "linux") throw new Error(`the image ${reference} is made for ${image.Os}: functions need Linux`);
  if (image.Architecture !== engineCpu) {
    throw new Error(
      `the image ${reference} is made for another CPU: ${image.Architecture}, but this machine is ${engineCpu}. ` +
        `Build it for linux/${engineCpu} (docker build --platform linux/${engineCpu})`,
    );
  }
  return { id: image.Id };
}

async function pull({ docker }: Engine, reference: string, request: ImageRequest, signal: AbortSignal): Promise<void> {
  const { credentials, onProgress } = request;
  const authconfig = credentials && {
    username: credentials.username,
    password: credentials.password,
    serveraddress: credentials.serverAddress,
  };
  try {
    const stream = await docker.pull(reference, { authconfig, abortSignal: signal });
    const progress = new PullProgress(reference, onProgress ?? (() => {}));
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(
        stream,
        (error: Error | null) => (error === null ? resolve() : reject(error)),
        (event: unknown) => progress.add(event),
      );
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`the image ${reference} is not on this machine and cannot be pulled: ${engineWords(error)}`);
  }
}
