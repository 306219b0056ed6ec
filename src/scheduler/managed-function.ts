import { isDeepStrictEqual } from "node:util";
import type { Random } from "../base/base.ts";
import type {
  Fault,
  FunctionEntry,
  FunctionKey,
  FunctionStatus,
  ProvisionConfig,
  ProvisionStatus,
  Revision,
} from "../model/model.ts";
import { Branch, type BranchContext, type BranchOwner } from "./branch.ts";
import { functionStatus } from "./function-status.ts";
import type { Link } from "./link.ts";
import { functionBlocked, functionGone } from "./refusals.ts";
import { Provisioning } from "./scaling/provisioning.ts";
import type { Waiter } from "./waiter.ts";

/** What functions of one scheduler share. */
export interface FunctionContext<L extends Link> extends BranchContext<L> {
  readonly random: Random;
  statusChanged(key: FunctionKey): void;
  /** It was removed, and its last instance is gone. */
  functionEnded(ended: ManagedFunction<L>): void;
}

/** A branch with its share of the calls. */
interface Share<L extends Link> {
  readonly branch: Branch<L>;
  readonly revision: Revision;
  readonly weight: number;
}

/**
 * One function: the branch that takes its calls, and those that take a share of them (an alias with
 * additionalVersionWeight); each call is on one of them for its whole life.
 */
export class ManagedFunction<L extends Link> implements BranchOwner {
  readonly key: FunctionKey;
  instancesMax: number | undefined;
  readonly #context: FunctionContext<L>;
  readonly #branchContext: BranchContext<L>;
  #main: Branch<L>;
  #others: readonly Share<L>[] = [];
  /** Branches that take no calls any more, until their last instance is gone. */
  readonly #ending = new Set<Branch<L>>();
  #provisioning: Provisioning | undefined;
  #removed = false;
  /** Instances that ended by themselves. */
  #restarts = 0;

  constructor(entry: FunctionEntry, context: FunctionContext<L>) {
    this.key = entry.function;
    this.#context = context;
    this.#branchContext = {
      ...context,
      instanceExited: (instance, report, expected) => {
        if (!expected) this.#restarts += 1;
        context.instanceExited(instance, report, expected);
      },
    };
    this.instancesMax = entry.maximumInstanceCount;
    this.#main = new Branch(entry.revision, false, this, this.#branchContext);
    this.#others = this.#sharesOf(entry, [], false);
    this.#provision(entry.provision);
  }

  /** BranchOwner. */
  get instanceCount(): number {
    return this.#branches().reduce((sum, branch) => sum + branch.instanceCount, 0);
  }

  get waitingCount(): number {
    if (this.#others.length === 0) return this.#main.waitingCount;
    return this.#branches().reduce((sum, branch) => sum + branch.waitingCount, 0);
  }

  /**
   * A deploy, a redeploy, another version, weight or limit. Branches whose revision stays keep their instances, whatever
   * share they have from now on; where the main revision is new, the main branch goes over to it.
   */
  put(entry: FunctionEntry): void {
    this.instancesMax = entry.maximumInstanceCount;
    const before = this.#branches();
    // Others take the calls of a new branch until it is ready; where nothing runs, its first call starts it.
    const waits = before.some((branch) => branch.isAlive);
    this.#main = this.#mainOf(entry, before, waits);
    this.#others = this.#sharesOf(entry, before, waits);
    const now = this.#branches();
    for (const branch of before) if (!now.includes(branch)) this.#end(branch, this.#main);
    this.#main.put(entry.revision);
    for (const { branch, revision } of this.#others) {
      branch.provision(0, false);
      branch.put(revision);
    }
    this.#provision(entry.provision);
    this.branchChanged();
    if (this.instancesMax === 0) this.refuseAll(functionBlocked(this.key));
  }

  /** The main branch has the provisioned instances. */
  #provision(config: ProvisionConfig | undefined): void {
    const before = this.#provisioning;
    if (config === undefined) {
      before?.end();
      this.#provisioning = undefined;
    } else if (before === undefined || !isDeepStrictEqual(before.config, config)) {
      before?.end();
      const { wheel, nowMs, epochMs } = this.#context;
      this.#provisioning = new Provisioning({
        config,
        wheel,
        nowMs,
        epochMs,
        use: () => this.#main.provisionedUse(),
        targetChanged: () => this.#keepProvisioned(),
      });
    }
    this.#keepProvisioned();
  }

  #keepProvisioned(): void {
    const { target = 0, config } = this.#provisioning ?? {};
    this.#main.provision(target, config?.alwaysAllocateCpu ?? true);
    this.#context.statusChanged(this.key);
  }

  #provisionStatus(): ProvisionStatus | undefined {
    if (this.#provisioning === undefined) return undefined;
    const problem = this.#main.provisionProblem;
    return {
      target: this.#provisioning.target,
      current: this.#main.provisionedUse().instances,
      ...(problem !== undefined && { currentError: problem }),
    };
  }

  /** The branch of the main revision: the one that has it, else the main one unless it goes on with a share. */
  #mainOf(entry: FunctionEntry, before: readonly Branch<L>[], waits: boolean): Branch<L> {
    const known = find(before, entry.revision);
    if (known !== undefined) return known;
    const keepsShare = entry.additionalRevisions?.some(({ revision }) => find([this.#main], revision));
    return keepsShare ? new Branch(entry.revision, waits, this, this.#branchContext) : this.#main;
  }

  #sharesOf(entry: FunctionEntry, before: readonly Branch<L>[], waits: boolean): Share<L>[] {
    return (entry.additionalRevisions ?? []).map(({ revision, weight }) => {
      const known = find(before, revision);
      const isFree = known !== undefined && known !== this.#main;
      return { branch: isFree ? known : new Branch(revision, waits, this, this.#branchContext), revision, weight };
    });
  }

  /** The function is gone: waiting calls are refused, open ones end. */
  remove(): void {
    this.#removed = true;
    this.#provisioning?.end();
    const branches = this.#branches();
    this.#others = [];
    for (const branch of branches) this.#ending.add(branch);
    for (const branch of branches) this.#end(branch, undefined);
    this.#endIfEmpty();
  }

  #end(branch: Branch<L>, heir: Branch<L> | undefined): void {
    this.#ending.add(branch);
    branch.remove(heir, functionGone(this.key));
    if (!branch.hasInstances) this.#ending.delete(branch);
  }

  admit(waiter: Waiter<L>): void {
    const branch = this.#others.length === 0 ? this.#main : this.#choose();
    branch.admit(waiter);
  }

  /** By weight; a branch that takes no calls yet leaves its share to another. */
  #choose(): Branch<L> {
    let at = this.#context.random();
    let chosen = this.#main;
    for (const { branch, weight } of this.#others) {
      if (at < weight) {
        chosen = branch;
        break;
      }
      at -= weight;
    }
    if (chosen.takesCalls) return chosen;
    return this.#branches().find((branch) => branch.takesCalls) ?? chosen;
  }

  abandon(waiter: Waiter<L>): void {
    for (const branch of this.#branches()) branch.abandon(waiter);
  }

  refuseAll(cause: Fault): void {
    for (const branch of this.#branches()) branch.refuseAll(cause);
  }

  status(): FunctionStatus {
    const branches = [...new Set([...this.#branches(), ...this.#ending])];
    return functionStatus(
      this.key,
      branches.map((branch) => branch.status()),
      this.#restarts,
      this.#removed ? undefined : this.#provisionStatus(),
    );
  }

  /** BranchOwner. */
  branchChanged(): void {
    for (const branch of this.#ending) if (!branch.hasInstances) this.#ending.delete(branch);
    this.#context.statusChanged(this.key);
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#removed && this.#ending.size === 0) this.#context.functionEnded(this);
  }

  #branches(): readonly Branch<L>[] {
    return this.#others.length === 0 ? [this.#main] : [this.#main, ...this.#others.map(({ branch }) => branch)];
  }
}

/** The branch that serves `revision`, or is going to. */
function find<L extends Link>(branches: readonly Branch<L>[], revision: Revision): Branch<L> | undefined {
  const serving = branches.find((branch) => branch.servingRevision === revision.id);
  return serving ?? branches.find((branch) => branch.wantedRevision === revision.id);
}
