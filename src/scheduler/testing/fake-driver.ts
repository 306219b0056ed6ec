import { Duplex } from "node:stream";
import {
  type Driver,
  type DriverCapabilities,
  type DriverInstance,
  type ExitReport,
  type InstanceUsage,
  StartError,
  type StartSpec,
} from "../../drivers/driver.ts";
import type { ErrorType, InstanceId } from "../../model/model.ts";

/** An instance whose life the test writes. */
export class FakeInstance implements DriverInstance {
  readonly id: InstanceId;
  readonly spec: StartSpec;
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  stopped = false;
  destroyed = false;
  isGone = false;
  /** Nothing inside runs. */
  isFrozen = false;
  /** True: a freeze lasts until `finishFreeze`. */
  freezesSlowly = false;
  /** Set: a freeze fails with this message. */
  freezeFault: string | undefined;
  freezeCount = 0;
  /** Its CPU is capped from then on. */
  isReady = false;
  thawCount = 0;
  usage: InstanceUsage | undefined;
  /** The freeze under way. */
  #freezing: PromiseWithResolvers<void> | undefined;
  #listen: () => void = () => {};
  #fail: (error: StartError) => void = () => {};
  #exit: (report: ExitReport) => void = () => {};

  readonly canFreeze: boolean;
  readonly ranOutOfMemory = () => false;

  constructor(spec: StartSpec, canFreeze: boolean) {
    this.id = spec.instanceId;
    this.canFreeze = canFreeze;
    this.spec = spec;
    this.listening = new Promise((resolve, reject) => {
      this.#listen = resolve;
      this.#fail = reject;
    });
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
  }

  listen(): void {
    this.#listen();
  }

  failStart(errorType: ErrorType, message: string, stderrTail = ""): void {
    this.#fail(new StartError(errorType, message, stderrTail));
    this.exit();
  }

  exit(report: Partial<ExitReport> = {}): void {
    this.isGone = true;
    this.#leaveFrozen("it is gone");
    this.#fail(new StartError("CAExited", "exited before it listened", ""));
    this.#exit({ code: 0, signal: undefined, outOfMemory: false, stderrTail: "", ...report });
  }

  connect(): Promise<Duplex> {
    return Promise.resolve(new Duplex());
  }

  ready(): void {
    this.isReady = true;
  }

  freeze(): Promise<void> {
    if (this.isGone || this.stopped || this.destroyed) return rejected("it is being ended or gone");
    if (this.isFrozen) return Promise.resolve();
    if (this.#freezing !== undefined) return this.#freezing.promise;
    this.freezeCount++;
    if (this.freezeFault !== undefined) return rejected(this.freezeFault);
    this.#freezing = Promise.withResolvers();
    const { promise } = this.#freezing;
    promise.catch(() => {});
    if (!this.freezesSlowly) this.finishFreeze();
    return promise;
  }

  /** Ends a freeze that is slow. */
  finishFreeze(): void {
    if (this.#freezing === undefined) throw new Error(`Instance ${this.id} is not being frozen`);
    this.isFrozen = true;
    this.#freezing.resolve();
    this.#freezing = undefined;
  }

  thaw(): Promise<void> {
    if (this.isGone) return rejected("it is gone");
    this.thawCount++;
    this.#leaveFrozen("it was thawed meanwhile");
    return Promise.resolve();
  }

  stop(): void {
    this.stopped = true;
    this.#leaveFrozen("it was stopped meanwhile");
  }

  destroy(): void {
    this.destroyed = true;
    this.#leaveFrozen("it was destroyed meanwhile");
  }

  #leaveFrozen(reason: string): void {
    this.isFrozen = false;
    this.#freezing?.reject(new Error(reason));
    this.#freezing = undefined;
  }
}

/** Rejects; never unhandled, as a driver promises. */
function rejected(message: string): Promise<never> {
  const promise = Promise.reject(new Error(message));
  promise.catch(() => {});
  return promise;
}

/** A driver that starts FakeInstances. */
export class FakeDriver implements Driver {
  readonly name = "process";
  readonly capabilities: DriverCapabilities;
  readonly started: FakeInstance[] = [];

  /** It can do everything but for `without`. */
  constructor(without: Partial<DriverCapabilities> = {}) {
    this.capabilities = {
      ownNetwork: true,
      memoryLimit: true,
      processLimit: true,
      cpuLimit: true,
      freeze: true,
      usage: true,
      images: true,
      ...without,
    };
  }

  probe(): Promise<{ works: true }> {
    return Promise.resolve({ works: true });
  }

  start(spec: StartSpec): FakeInstance {
    const instance = new FakeInstance(spec, this.capabilities.freeze);
    this.started.push(instance);
    return instance;
  }

  /** The fake behind an instance that this driver started. */
  instanceOf(instance: DriverInstance): FakeInstance {
    const found = this.started.find((other) => other === instance);
    if (found === undefined) throw new Error(`Instance ${instance.id} is not of this driver`);
    return found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
