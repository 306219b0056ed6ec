import type Docker from "dockerode";
import type { Logger } from "../../base/base.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type { StartSpec } from "../driver.ts";
import { StartError } from "../driver.ts";
import { type ContainerPlan, createOptions } from "./create-options.ts";
import { type Engine, engineWords } from "./engine.ts";
import { hardOpenFilesLimit } from "./engine-facts.ts";
import type { ImageSource } from "./image-source.ts";
import { labelsOf } from "./owner.ts";
import { engineFault } from "./start-fault.ts";

/** What the engine's storage says where it cannot limit a container's files. */
const NO_DISK_LIMIT = /storage[- ]opt|quota/i;

export interface ContainerFactoryOptions {
  readonly engine: Engine;
  readonly images: ImageSource;
  readonly logger: Logger;
  readonly configuration: DriverConfiguration;
  /** Undefined: it gets no network at all. */
  readonly publishingNetwork: string | undefined;
  /** Whom it asks for names, unless its function says otherwise; none: whom the engine takes. */
  readonly nameServers: readonly string[];
}

/** Makes containers, and learns what the engine cannot do. */
export class ContainerFactory {
  readonly #options: ContainerFactoryOptions;
  readonly #openFilesMax = hardOpenFilesLimit();
  #baseImage: Promise<string> | undefined;
  #limitsDisk = true;

  constructor(options: ContainerFactoryOptions) {
    this.#options = options;
  }

  /** A container that has not been started. Rejects with a StartError, with nothing left behind. */
  async create(spec: StartSpec, uid: number | undefined, cgroupParent: string | undefined): Promise<Docker.Container> {
    const { engine, configuration, publishingNetwork, nameServers } = this.#options;
    const plan = {
      spec,
      uid,
      configuration,
      cgroupParent,
      publishingNetwork,
      nameServers,
      image: spec.image?.id ?? (await this.#findBaseImage()),
      labels: labelsOf(spec, process.pid),
      openFilesMax: this.#openFilesMax,
    };
    try {
      return await this.#tryCreate(engine.docker, plan);
    } catch (error) {
      throw engineFault(error, spec);
    }
  }

  async #tryCreate(docker: Docker, plan: Omit<ContainerPlan, "limitsDisk">): Promise<Docker.Container> {
    const limitsDisk = this.#limitsDisk;
    try {
      return await docker.createContainer(createOptions({ ...plan, limitsDisk }));
    } catch (error) {
      const words = engineWords(error);
      if (!limitsDisk || !NO_DISK_LIMIT.test(words)) throw error;
      if (this.#limitsDisk) {
        this.#options.logger.warn("diskSize is not enforced for containers: the engine's storage cannot limit it", {
          words,
        });
      }
      this.#limitsDisk = false;
      return docker.createContainer(createOptions({ ...plan, limitsDisk: false }));
    }
  }

  #findBaseImage(): Promise<string> {
    this.#baseImage ??= this.#resolveBaseImage();
    return this.#baseImage;
  }

  async #resolveBaseImage(): Promise<string> {
    const { images, configuration, logger } = this.#options;
    const reference = configuration.containerBaseImage;
    try {
      return (await images.resolve({ reference, onProgress: (line) => logger.info(line) })).id;
    } catch (error) {
      this.#baseImage = undefined;
      const words = error instanceof Error ? error.message : String(error);
      throw new StartError("FunctionNotStarted", `of containerBaseImage, in which code packages run: ${words}`, "");
    }
  }
}
