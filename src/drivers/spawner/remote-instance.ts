import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../base/base.ts";
import type { InstanceId } from "../../model/model.ts";
import { outOfMemoryKillsIn } from "../cgroup/cgroup.ts";
import { type DriverInstance, type ExitReport, type InstanceUsage, StartError } from "../driver.ts";
import { Connector } from "../local/connect.ts";
import type { Footprint } from "../local/footprint.ts";
import { FreezeSwitch } from "../local/freeze-switch.ts";
import type { Endpoint } from "../local/launcher.ts";
import { HandOvers } from "./hand-overs.ts";
import { RemoteFreezing } from "./remote-freezing.ts";

/**
 * Main's end of an instance that the spawner runs. It connects by itself, or has the spawner connect and takes the socket
 * over: no byte of a call passes the spawner. It also freezes and thaws by itself: a call waits for that, and the spawner
 * may be busy with a start.
 */
export class RemoteInstance implements DriverInstance {
  readonly id: InstanceId;
  readonly listening: Promise<void>;
  readonly exited: Promise<ExitReport>;
  readonly #orders: InstanceOrders;
  readonly #listening = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<ExitReport>();
  readonly #freezeSwitch: FreezeSwitch;
  readonly #remoteFreezing: RemoteFreezing;
  readonly #connector = new Connector();
  readonly #handOvers = new HandOvers();
  #endpoint: Endpoint | undefined;
  #hasExited = false;
  #ranOutOfMemory = false;
  /** What to end should the spawner die; undefined before it has told. */
  footprint: Footprint | undefined;
  usage: InstanceUsage | undefined;

  constructor(id: InstanceId, orders: InstanceOrders, clock: Clock) {
    this.id = id;
    this.#freezeSwitch = new FreezeSwitch(id, clock);
    this.#remoteFreezing = new RemoteFreezing((type, order) => orders.order(type, id, order));
    this.#orders = orders;
    this.listening = this.#listening.promise;
    this.listening.catch(() => {});
    this.exited = this.#exited.promise;
  }

  async connect(): Promise<Duplex> {
    if (this.#hasExited) throw new Error(`Instance ${this.id} is gone`);
    if (this.#endpoint === undefined) throw new Error(`Instance ${this.id} does not listen yet`);
    if (!this.#endpoint.isSpawnersOnly) return this.#connector.open(this.#endpoint);
    return this.#handOvers.ask((request) => this.#orders.connect(this.id, request));
  }

  get canFreeze(): boolean {
    return this.#freezeSwitch.canFreeze;
  }

  ready(): void {
    if (!this.#hasExited) this.#orders.capCpu(this.id);
  }

  freeze(): Promise<void> {
    return this.#freezeSwitch.freeze();
  }

  thaw(): Promise<void> {
    return this.#freezeSwitch.thaw();
  }

  /** Read here: the spawner may be busy with starts. */
  ranOutOfMemory(): boolean {
    return this.#ranOutOfMemory || outOfMemoryKillsIn(this.footprint?.cgroupFolders ?? []) > 0;
  }

  stop(graceMs: number): void {
    if (this.#hasExited) return;
    this.#freezeSwitch.end();
    this.#orders.stop(this.id, graceMs);
  }

  /** The spawner thaws it, after it has killed: nothing of it shall run again. */
  destroy(): void {
    if (this.#hasExited) return;
    this.#freezeSwitch.refuse();
    this.#orders.destroy(this.id);
  }

  /** The spawner's news. */
  settleListening(endpoint: Endpoint, canFreeze: boolean): void {
    this.#endpoint = endpoint;
    this.#freezeSwitch.listens(this.footprint?.freezer, canFreeze ? this.#remoteFreezing : undefined);
    this.#listening.resolve();
  }

  settleConnected(request: number, socket: Socket): void {
    this.#handOvers.take(request, socket);
  }

  settleNotConnected(request: number, error: Error): void {
    this.#handOvers.fail(request, error);
  }

  settleOrdered(order: number, error: string | undefined): void {
    this.#remoteFreezing.settle(order, error);
  }

  settleNotStarted(error: StartError): void {
    this.#listening.reject(error);
  }

  settleExited(report: ExitReport): void {
    this.#hasExited = true;
    this.#ranOutOfMemory = report.outOfMemory;
    this.usage = report.usage ?? this.usage;
    this.#freezeSwitch.gone();
    this.#remoteFreezing.end();
    this.#connector.gone();
    this.#handOvers.gone();
    this.#listening.reject(new StartError("CAExited", "it ended before it listened", report.stderrTail));
    this.#exited.resolve(report);
  }
}

/** What an instance asks of its spawner. */
export interface InstanceOrders {
  capCpu(id: InstanceId): void;
  stop(id: InstanceId, graceMs: number): void;
  destroy(id: InstanceId): void;
  connect(id: InstanceId, request: number): void;
  /** To be answered by settleOrdered with the same number. */
  order(type: "freeze" | "thaw", id: InstanceId, order: number): void;
}
