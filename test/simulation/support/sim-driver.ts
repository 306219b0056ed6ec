import type { Driver, StartSpec } from "../../../src/drivers/driver.ts";
import type { SimInstance } from "./sim-instance.ts";

/** A driver whose instances live as the world decides. */
export class SimDriver implements Driver {
  readonly name = "process";
  readonly capabilities = {
    ownNetwork: true,
    memoryLimit: true,
    processLimit: true,
    cpuLimit: true,
    freeze: true,
    usage: false,
    images: false,
  };
  readonly #start: (spec: StartSpec) => SimInstance;

  constructor(start: (spec: StartSpec) => SimInstance) {
    this.#start = start;
  }

  probe(): Promise<{ works: true }> {
    return Promise.resolve({ works: true });
  }

  start(spec: StartSpec): SimInstance {
    return this.#start(spec);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
