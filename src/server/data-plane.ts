import type { Logger } from "../base/base.ts";
import type { Gateway, InstanceLink } from "../gateway/gateway.ts";
import { type DataPlaneEntry, type Delta, entryKey, type FunctionEntry, type Snapshot } from "../model/model.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

/**
 * What the main loop serves: applies the control plane's snapshot and deltas to gateway and scheduler, each whole.
 * Functions are put before the routes that lead to them, and removed after.
 */
export class DataPlane {
  readonly #gateway: Gateway;
  readonly #scheduler: Scheduler<InstanceLink>;
  readonly #logger: Logger;
  readonly #expectImages: () => void;
  readonly #entries = new Map<string, DataPlaneEntry>();
  #at = -1;

  /** `expectImages` is called with each function that is a container image, before the scheduler gets it. */
  constructor(gateway: Gateway, scheduler: Scheduler<InstanceLink>, logger: Logger, expectImages: () => void) {
    this.#gateway = gateway;
    this.#scheduler = scheduler;
    this.#logger = logger;
    this.#expectImages = expectImages;
  }

  /** Change number of what is served; -1 before the first snapshot. */
  get at(): number {
    return this.#at;
  }

  /** Everything anew; what is unchanged is not touched, so that calls and instances stay. */
  applySnapshot(snapshot: Snapshot): void {
    const keys = new Set(snapshot.entries.map(entryKey));
    const gone = [...this.#entries.keys()].filter((key) => !keys.has(key));
    this.#apply(snapshot.entries, gone);
    this.#at = snapshot.at;
  }

  /** False: it does not follow on what is served; a snapshot is needed. */
  applyDelta(delta: Delta): boolean {
    if (delta.from !== this.#at) return false;
    this.#apply(delta.put, delta.delete);
    this.#at = delta.to;
    return true;
  }

  #apply(put: readonly DataPlaneEntry[], gone: readonly string[]): void {
    const functionsFirst = [...put].sort((a, b) => Number(b.kind === "function") - Number(a.kind === "function"));
    for (const entry of functionsFirst) this.#put(entry);
    const functionsLast = gone.map((key) => this.#entries.get(key)).filter((entry) => entry !== undefined);
    functionsLast.sort((a, b) => Number(a.kind === "function") - Number(b.kind === "function"));
    for (const entry of functionsLast) this.#delete(entry);
  }

  #put(entry: DataPlaneEntry): void {
    this.#entries.set(entryKey(entry), entry);
    switch (entry.kind) {
      case "function":
        this.#putFunction(entry);
        break;
      case "route":
        this.#gateway.putRoute(entry);
        break;
      case "certificate":
        this.#gateway.putCertificate(entry);
        break;
      case "challenge":
        this.#gateway.putChallenge(entry);
        break;
      case "accessKey":
        this.#gateway.putAccessKey(entry);
        break;
      default:
        throw new Error(`Unknown entry ${JSON.stringify(entry satisfies never)}`);
    }
  }

  #putFunction(entry: FunctionEntry): void {
    const revisions = [entry.revision, ...(entry.additionalRevisions ?? []).map(({ revision }) => revision)];
    if (revisions.some(({ image }) => image !== undefined)) this.#expectImages();
    this.#scheduler.put(entry);
  }

  #delete(entry: DataPlaneEntry): void {
    this.#entries.delete(entryKey(entry));
    switch (entry.kind) {
      case "function":
        this.#scheduler.remove(entry.function);
        break;
      case "route":
        this.#gateway.deleteRoute(entry.host, entry.path);
        break;
      case "certificate":
        this.#gateway.deleteCertificate(entry.host);
        break;
      case "challenge":
        this.#gateway.deleteChallenge(entry.host);
        break;
      case "accessKey":
        this.#gateway.deleteAccessKey(entry.accessKeyId);
        break;
      default:
        throw new Error(`Unknown entry ${JSON.stringify(entry satisfies never)}`);
    }
    this.#logger.debug("Removed from the data plane", { key: entryKey(entry) });
  }
}
