import { Duplex } from "node:stream";
import { type Driver, type DriverInstance, type ExitReport, StartError, type StartSpec } from "../../drivers/driver.ts";
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
  #listen: () => void = () => {};
  #fail: (error: StartError) => void = () => {};
  #exit: (report: ExitReport) => void = () => {};

  constructor(spec: StartSpec) {
    this.id = spec.instanceId;
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
    this.#fail(new StartError("CAExited", "exited before it listened", ""));
    this.#exit({ code: 0, signal: undefined, outOfMemory: false, stderrTail: "", ...report });
  }

  connect(): Promise<Duplex> {
    return Promise.resolve(new Duplex());
  }

  stop(): void {
    this.stopped = true;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** A driver that starts FakeInstances. */
export class FakeDriver implements Driver {
  readonly name = "process";
  readonly capabilities = { ownNetwork: true, memoryLimit: true };
  readonly started: FakeInstance[] = [];

  probe(): Promise<{ works: true }> {
    return Promise.resolve({ works: true });
  }

  start(spec: StartSpec): FakeInstance {
    const instance = new FakeInstance(spec);
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
