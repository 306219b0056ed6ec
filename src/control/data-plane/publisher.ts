/** Tells the main loop what to serve: a snapshot at first, a delta for each commit, a snapshot again when asked. */
import type { Channel, Clock } from "../../base/base.ts";
import {
  type ChallengeEntry,
  type CustomDomain,
  entryKey,
  type FunctionResource,
  functionKey,
  LATEST,
  type RevisionId,
  type ToMain,
  type ToWorker,
} from "../../model/model.ts";
import type { Change, CommitResult, Store } from "../../store/store.ts";
import { ApiError } from "../api-error.ts";
import type { KeyRing } from "../auth/key-ring.ts";
import { AllResources, type QualifiedName, type Repository, usersOfQualifier } from "../resources/resources.ts";
import { DataPlaneReader } from "./data-plane-reader.ts";
import { DataPlaneView, type ViewChange } from "./data-plane-view.ts";
import { InvokedQualifiers } from "./invoked-qualifiers.ts";
import type { ProjectionContext } from "./projection.ts";

/** A commit whose delta the main loop has not confirmed yet. */
interface Waiter {
  readonly change: number;
  settle(error?: ApiError): void;
}

export interface PublisherOptions {
  readonly store: Store;
  readonly repository: Repository;
  readonly context: ProjectionContext;
  readonly keyRing: KeyRing;
  readonly channel: Channel<ToMain, ToWorker>;
  readonly clock: Clock;
  readonly applyTimeoutMs: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #view = new DataPlaneView();
  #reader: DataPlaneReader;
  /** Package of every revision told since the start that has one: an older one may still run. */
  readonly #codeOfRevision = new Map<RevisionId, string>();
  readonly #invoked = new InvokedQualifiers();
  readonly #waiters = new Set<Waiter>();
  #postedAt = 0;
  #appliedAt = -1;
  #mainGone = false;
  /** A commit could not be projected: the view lacks it. */
  #stale = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#reader = new DataPlaneReader(options.repository, options.context, this.#invoked);
  }

  /** Change number of the last delta or snapshot posted, and of the last one applied (-1: none yet). */
  get postedAt(): number {
    return this.#postedAt;
  }

  get appliedAt(): number {
    return this.#appliedAt;
  }

  /** Posts everything as a snapshot. No commit may come between, also not since `given` was read. */
  async start(given?: AllResources): Promise<void> {
    const { store, repository, context, keyRing } = this.#options;
    const all = given ?? (await AllResources.read(repository));
    const unused: ViewChange = { put: [], delete: [] };
    this.#view = new DataPlaneView();
    this.#reader = new DataPlaneReader(all, context, this.#invoked);
    const domains = await all.list("customDomain");
    for (const { value } of domains) this.#reader.routes.put(value);
    const functions = await all.list("function");
    for (const { value } of functions) await this.#refreshFunction(value.serviceName, value.functionName, unused);
    for (const { value } of domains) await this.#replaceDomain(value, unused);
    for (const entry of await keyRing.load()) this.#view.replace(entryKey(entry), [entry], unused);
    this.#reader = new DataPlaneReader(repository, context, this.#invoked, this.#reader.routes);
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

  /**
   * Has the main loop run a function under a qualifier, as it does already where something leads there. `alone` runs work
   * while nothing is committed.
   */
  async serve(name: QualifiedName, alone: (work: () => Promise<void>) => Promise<void>): Promise<void> {
    this.beforeCommit();
    // Every function is there as LATEST.
    if (name.qualifier === LATEST) return;
    await this.#invoked.serve(name, () => alone(() => this.#postFunction(name)));
  }

  /** Has the gateway prove to an ACME server whose a host is, until `endChallenge`. */
  beginChallenge(entry: ChallengeEntry): void {
    this.#postChallenge(entry.host, [entry]);
  }

  endChallenge(host: string): void {
    this.#postChallenge(host, []);
  }

  /** No commit: the change number stays. Before the CA looks, it is asked to over the network, which takes longer. */
  #postChallenge(host: string, entries: readonly ChallengeEntry[]): void {
    const delta: ViewChange = { put: [], delete: [] };
    this.#view.replace(`challenge/${host}`, entries, delta);
    if (!this.#mainGone)
      this.#options.channel.post({ type: "delta", from: this.#postedAt, to: this.#postedAt, ...delta });
  }

  async #postFunction({ serviceName, functionName }: QualifiedName): Promise<void> {
    if (this.#stale) return this.start();
    const delta: ViewChange = { put: [], delete: [] };
    await this.#refreshFunction(serviceName, functionName, delta);
    this.#options.channel.post({ type: "delta", from: this.#postedAt, to: this.#postedAt, ...delta });
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
        for (const domainKey of this.#reader.routes.domainsOf(serviceName, functionName)) {
          await this.#refreshDomain(domainKey, delta);
        }
        break;
      case "customDomain":
        await this.#refreshDomainAndFunctions(change.key, delta);
        break;
      case "alias":
        for (const each of new Set(await this.#functionsUnder(serviceName, change.key.split("/")[1] ?? ""))) {
          await this.#refreshFunction(serviceName, each, delta);
        }
        break;
      case "onDemandConfig":
      case "provisionConfig":
        await this.#refreshFunction(serviceName, functionName, delta);
        break;
      case "accessKey": {
        const entry = await this.#options.keyRing.refresh(change.key);
        this.#view.replace(`accessKey/${change.key}`, entry === undefined ? [] : [entry], delta);
        break;
      }
      case "version":
        // Nothing leads to a version that is new or deleted (by then its users are gone), but it may have been invoked.
        for (const each of this.#invoked.functionsUnder(serviceName, change.key.split("/")[1] ?? "")) {
          await this.#refreshFunction(serviceName, each, delta);
        }
        break;
      case "resourceTags":
      case "versionFunction":
      case "versionCounter":
        break;
      default:
        throw new Error(`Unknown kind ${change.kind satisfies never}`);
    }
  }

  async #functionsUnder(serviceName: string, qualifier: string): Promise<string[]> {
    const users = await usersOfQualifier(this.#options.repository, serviceName, qualifier);
    return [...users.map(({ functionName }) => functionName), ...this.#invoked.functionsUnder(serviceName, qualifier)];
  }

  async #refreshFunction(serviceName: string, functionName: string, delta: ViewChange): Promise<void> {
    const { entries, versions } = await this.#reader.function(serviceName, functionName);
    for (const [{ revision, additionalRevisions = [] }, { main, additional }] of versions) {
      this.#remember(revision.id, main.resource);
      for (const [index, weighted] of additionalRevisions.entries()) {
        this.#remember(weighted.revision.id, additional[index]?.resource);
      }
    }
    this.#view.replace(`function/${functionKey(serviceName, functionName)}`, entries, delta);
  }

  #remember(revisionId: RevisionId, resource: FunctionResource | undefined): void {
    if (resource?.code !== undefined) this.#codeOfRevision.set(revisionId, resource.code.sha256);
  }

  /** A route with a qualifier has its function run under it. */
  async #refreshDomainAndFunctions(domainKey: string, delta: ViewChange): Promise<void> {
    const { routes } = this.#reader;
    const before = routes.functionsOf(domainKey);
    await this.#refreshDomain(domainKey, delta);
    for (const key of new Set([...before, ...routes.functionsOf(domainKey)])) {
      const [serviceName = "", functionName = ""] = key.split("/");
      await this.#refreshFunction(serviceName, functionName, delta);
    }
  }

  async #refreshDomain(domainKey: string, delta: ViewChange): Promise<void> {
    const found = await this.#options.repository.get("customDomain", domainKey);
    if (found === undefined) {
      this.#reader.routes.delete(domainKey);
      this.#view.replace(`customDomain/${domainKey}`, [], delta);
    } else {
      this.#reader.routes.put(found.value);
      await this.#replaceDomain(found.value, delta);
    }
  }

  async #replaceDomain(domain: CustomDomain, delta: ViewChange): Promise<void> {
    this.#view.replace(`customDomain/${domain.domainName.toLowerCase()}`, await this.#reader.domain(domain), delta);
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
