/** Tells the main loop what to serve: a snapshot at first, a delta for each commit, a snapshot again when asked. */
import type { Channel, Clock } from "../base/base.ts";
import {
  type CustomDomain,
  type FunctionKey,
  type FunctionResource,
  functionKey,
  type RevisionId,
  type ToMain,
  type ToWorker,
  type Trigger,
} from "../model/model.ts";
import type { Change, CommitResult, Store } from "../store/store.ts";
import { ApiError } from "./api-error.ts";
import { DataPlaneView, type ViewChange } from "./data-plane-view.ts";
import { domainEntries, functionEntries, type ProjectionContext } from "./projection.ts";
import type { Repository } from "./resources/resources.ts";

/** A commit whose delta the main loop has not confirmed yet. */
interface Waiter {
  readonly change: number;
  settle(error?: ApiError): void;
}

export interface PublisherOptions {
  readonly store: Store;
  readonly repository: Repository;
  readonly context: ProjectionContext;
  readonly channel: Channel<ToMain, ToWorker>;
  readonly clock: Clock;
  readonly applyTimeoutMs: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #view = new DataPlaneView();
  /** Package of every revision told since the start: an older one may still run. */
  readonly #codeOfRevision = new Map<RevisionId, string>();
  readonly #waiters = new Set<Waiter>();
  #postedAt = 0;
  #appliedAt = -1;
  #mainGone = false;
  /** A commit could not be projected: the view lacks it. */
  #stale = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Change number of the last delta or snapshot posted, and of the last one applied (-1: none yet). */
  get postedAt(): number {
    return this.#postedAt;
  }

  get appliedAt(): number {
    return this.#appliedAt;
  }

  /** Reads everything and posts it as a snapshot. No commit may come between. */
  async start(): Promise<void> {
    const { store, repository } = this.#options;
    const unused: ViewChange = { put: [], delete: [] };
    this.#view = new DataPlaneView();
    const functions = await repository.list("function");
    for (const { value } of functions) await this.#refreshFunction(value.serviceName, value.functionName, unused);
    for (const { value } of await repository.list("customDomain")) await this.#refreshDomain(value, unused);
    this.#postedAt = await store.currentChange();
    this.#stale = false;
    this.postSnapshot();
  }

  postSnapshot(): void {
    this.#options.channel.post({ type: "snapshot", at: this.#postedAt, entries: this.#view.entries() });
  }

  /** The main loop has applied everything up to change `at`. */
  applied(at: number): void {
    this.#appliedAt = at;
    for (const waiter of [...this.#waiters]) {
      if (waiter.change <= at) waiter.settle();
    }
  }

  mainGone(): void {
    this.#mainGone = true;
    for (const waiter of [...this.#waiters]) waiter.settle(this.#goneError());
  }

  /** sha256 of a revision's package; undefined for one that was not told since the start. */
  codeOf(revisionId: RevisionId): string | undefined {
    return this.#codeOfRevision.get(revisionId);
  }

  beforeCommit(): void {
    if (this.#mainGone) throw this.#goneError();
  }

  /** Posts what the commit changes. `inForce` rejects with an ApiError where the main loop does not confirm in time. */
  async afterCommit(changes: readonly Change[], { change }: CommitResult): Promise<{ inForce: Promise<void> }> {
    if (this.#stale) {
      await this.start();
      return { inForce: this.#wait(change) };
    }
    this.#stale = true;
    const delta: ViewChange = { put: [], delete: [] };
    for (const each of changes) await this.#refresh(each, delta);
    this.#stale = false;
    this.#options.channel.post({ type: "delta", from: this.#postedAt, to: change, ...delta });
    this.#postedAt = change;
    return { inForce: this.#wait(change) };
  }

  async #refresh(change: Change, delta: ViewChange): Promise<void> {
    const { repository } = this.#options;
    const [serviceName = "", functionName = ""] = change.key.split("/");
    switch (change.kind) {
      case "service":
        for (const { value } of await repository.list("function", { prefix: `${serviceName}/` })) {
          await this.#refreshFunction(serviceName, value.functionName, delta);
        }
        break;
      case "function":
      case "trigger":
        await this.#refreshFunction(serviceName, functionName, delta);
        for (const { value } of await repository.list("customDomain")) {
          if (leadsTo(value, serviceName, functionName)) await this.#refreshDomain(value, delta);
        }
        break;
      case "customDomain": {
        const found = await repository.get("customDomain", change.key);
        if (found === undefined) this.#view.replace(`customDomain/${change.key}`, [], delta);
        else await this.#refreshDomain(found.value, delta);
        break;
      }
      default:
        throw new Error(`Unknown kind ${change.kind satisfies never}`);
    }
  }

  async #refreshFunction(serviceName: string, functionName: string, delta: ViewChange): Promise<void> {
    const { repository, context } = this.#options;
    const key = functionKey(serviceName, functionName);
    const service = await repository.get("service", serviceName);
    const found = await repository.get("function", key);
    const entries =
      service === undefined || found === undefined
        ? []
        : functionEntries(service.value, found.value, await this.#triggersOf(found.value), context);
    for (const entry of entries) {
      if (entry.kind === "function" && found) this.#codeOfRevision.set(entry.revision.id, found.value.code.sha256);
    }
    this.#view.replace(`function/${key}`, entries, delta);
  }

  async #refreshDomain(domain: CustomDomain, delta: ViewChange): Promise<void> {
    const triggers = new Map<FunctionKey, Trigger>();
    for (const { serviceName, functionName } of domain.routes) {
      const [trigger] = await this.#triggersOf({ serviceName, functionName });
      if (trigger !== undefined) triggers.set(functionKey(serviceName, functionName), trigger);
    }
    const entries = domainEntries(domain, (key) => triggers.get(key));
    this.#view.replace(`customDomain/${domain.domainName.toLowerCase()}`, entries, delta);
  }

  async #triggersOf(resource: Pick<FunctionResource, "serviceName" | "functionName">): Promise<Trigger[]> {
    const prefix = `${resource.serviceName}/${resource.functionName}/`;
    return (await this.#options.repository.list("trigger", { prefix })).map(({ value }) => value);
  }

  #wait(change: number): Promise<void> {
    const { clock, applyTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        change,
        settle: (error) => {
          this.#waiters.delete(waiter);
          wakeUp.cancel();
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const wakeUp = clock.wakeAfter(applyTimeoutMs, () => waiter.settle(lateError(applyTimeoutMs)));
      this.#waiters.add(waiter);
      if (this.#mainGone) waiter.settle(this.#goneError());
      else if (this.#appliedAt >= change) waiter.settle();
    });
  }

  #goneError(): ApiError {
    return new ApiError("ServiceUnavailable", "The gateway is not running, or Sluice is stopping: try again later");
  }
}

function lateError(timeoutMs: number): ApiError {
  const message = `The change is stored, but the gateway has not confirmed it within ${timeoutMs} ms. It takes effect as soon as the gateway can; read the resource again before you repeat it`;
  return new ApiError("InternalServerError", message);
}

function leadsTo(domain: CustomDomain, serviceName: string, functionName: string): boolean {
  return domain.routes.some((route) => route.serviceName === serviceName && route.functionName === functionName);
}
