import type { Driver, DriverCapabilities, DriverInstance, DriverName, ProbeResult, StartSpec } from "./driver.ts";

/**
 * Starts container images with another driver than code packages: where packages run below a namespace from which no
 * container engine can be used. The other driver is begun by the first image.
 */
export class ImageRoutingDriver implements Driver {
  readonly name: DriverName;
  readonly capabilities: DriverCapabilities;
  readonly #packages: Driver;
  readonly #beginImages: () => Driver;
  #images: Driver | undefined;
  #closed: Promise<void> | undefined;

  constructor(packages: Driver, beginImages: () => Driver) {
    this.name = packages.name;
    this.capabilities = { ...packages.capabilities, images: true };
    this.#packages = packages;
    this.#beginImages = beginImages;
  }

  probe(): Promise<ProbeResult> {
    return this.#packages.probe();
  }

  start(spec: StartSpec): DriverInstance {
    if (this.#closed !== undefined) throw new Error(`The ${this.name} driver is closed`);
    if (spec.image === undefined) return this.#packages.start(spec);
    return this.#imageDriver().start(spec);
  }

  expectImages(): void {
    if (this.#closed === undefined) this.#imageDriver().expectImages?.();
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all([this.#packages.close(), this.#images?.close()]).then(() => {});
    return this.#closed;
  }

  #imageDriver(): Driver {
    this.#images ??= this.#beginImages();
    return this.#images;
  }
}
