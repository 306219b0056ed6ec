import { silentLogger } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { DriverInstance } from "../../drivers/driver.ts";
import {
  type Fault,
  type FunctionEntry,
  type FunctionKey,
  functionKey,
  type Revision,
  type RevisionId,
} from "../../model/model.ts";
import {
  type InstanceAnswer,
  type InstanceQuestion,
  type Link,
  type LinkFactory,
  type LinkObserver,
  type ScheduledInstance,
  Scheduler,
  type SchedulerLimits,
  schedulerLimits,
  type Waiter,
} from "../scheduler.ts";
import { FakeDriver, type FakeInstance } from "./fake-driver.ts";

/** A link whose events and answers the test writes. */
export class FakeLink implements Link {
  readonly instance: FakeInstance;
  readonly observer: LinkObserver;
  closed = false;
  suspended = false;
  /** What was asked, in order. */
  readonly questions: InstanceQuestion[] = [];
  /** How often `resume` was called. */
  resumes = 0;
  /** Answers questions; a test puts its own in. */
  answer: (question: InstanceQuestion) => InstanceAnswer | Promise<InstanceAnswer> = () => ANSWERED_WELL;
  /** Whether the connection is proved after a thaw. */
  prove: (timeoutMs: number) => boolean | Promise<boolean> = () => true;

  constructor(instance: FakeInstance, observer: LinkObserver) {
    this.instance = instance;
    this.observer = observer;
  }

  async ask(question: InstanceQuestion): Promise<InstanceAnswer> {
    if (this.closed) return { kind: "failed", detail: "the connection was closed" };
    this.questions.push(question);
    return this.answer(question);
  }

  suspend(): void {
    this.suspended = true;
  }

  async resume(timeoutMs: number): Promise<boolean> {
    this.suspended = false;
    this.resumes += 1;
    return !this.closed && this.prove(timeoutMs);
  }

  close(): void {
    this.closed = true;
  }
}

const ANSWERED_WELL: InstanceAnswer = { kind: "answered", ok: true, httpStatus: 200, detail: "HTTP 200" };

/** A call that waits for a slot, and remembers what it got. */
export class FakeCall implements Waiter<FakeLink> {
  queuePrevious: Waiter<FakeLink> | undefined = undefined;
  queueNext: Waiter<FakeLink> | undefined = undefined;
  queuedIn: unknown = undefined;
  waitingSince = 0;
  instance: ScheduledInstance<FakeLink> | undefined = undefined;
  refusal: Fault | undefined = undefined;
  answers = 0;

  granted(instance: ScheduledInstance<FakeLink>): void {
    this.answers += 1;
    this.instance = instance;
  }

  refused(refusal: Fault): void {
    this.answers += 1;
    this.refusal = refusal;
  }

  end(): void {
    const instance = this.instance;
    this.instance = undefined;
    instance?.release();
  }
}

export const KEY: FunctionKey = functionKey("s", "f");

/** A function's entry; revisions differ by name. */
export function entry(
  revisionName: string,
  more: Partial<Revision> = {},
  maximumInstanceCount?: number,
): FunctionEntry {
  const key = more.function ?? KEY;
  const revision: Revision = {
    id: revisionName as RevisionId,
    function: key,
    accountId: "1",
    serviceName: "s",
    functionName: "f",
    qualifier: "LATEST",
    runtime: "custom",
    handler: "h",
    codeDir: "/code",
    command: ["./bootstrap"],
    hasCommand: false,
    environment: {},
    caPort: 9000,
    timeoutMs: 60_000,
    memoryMb: 512,
    diskMb: 512,
    instanceConcurrency: 1,
    instanceSoftConcurrency: more.instanceConcurrency ?? 1,
    internetAccess: false,
    ...more,
  };
  return {
    kind: "function",
    function: key,
    revision,
    ...(maximumInstanceCount !== undefined && { maximumInstanceCount }),
  };
}

/** A scheduler with everything around it under the test's hand. */
export class SchedulerBench implements LinkFactory<FakeLink> {
  readonly clock = new FakeClock();
  readonly driver = new FakeDriver();
  readonly links = new Map<string, FakeLink>();
  readonly scheduler: Scheduler<FakeLink>;
  readonly changed: FunctionKey[] = [];
  /** For each instance that exited, in order, whether it was told to. */
  readonly exits: boolean[] = [];
  /** What developers were told. */
  readonly remarks: string[] = [];

  /** What the next choice among weighted revisions is made by. */
  random: () => number = () => 0.5;

  constructor(limits: Partial<SchedulerLimits> = {}) {
    this.scheduler = new Scheduler<FakeLink>({
      driver: this.driver,
      links: this,
      clock: this.clock,
      random: () => this.random(),
      region: "local",
      limits: schedulerLimits({ startsAtOnceMax: 100, ...limits }),
      logger: silentLogger,
      events: {
        statusChanged: (key) => this.changed.push(key),
        instanceExited: (_key, _instanceId, _report, expected) => this.exits.push(expected),
        startFailed() {},
        remark: (_key, words) => this.remarks.push(words),
      },
    });
  }

  open(instance: DriverInstance, _revision: Revision, observer: LinkObserver): FakeLink {
    const link = new FakeLink(instance as FakeInstance, observer);
    this.links.set(instance.id, link);
    return link;
  }

  call(key: FunctionKey = KEY): FakeCall {
    const call = new FakeCall();
    this.scheduler.admit(key, call);
    return call;
  }

  /** The n-th instance that was started. */
  started(index: number): FakeInstance {
    const instance = this.driver.started[index];
    if (instance === undefined) throw new Error(`Instance ${index} was not started`);
    return instance;
  }

  /** Brings the n-th started instance up. */
  async ready(index: number, streamsMax = 1000): Promise<FakeLink> {
    const instance = this.started(index);
    instance.listen();
    await settle();
    const link = this.links.get(instance.id);
    if (link === undefined) throw new Error(`Instance ${index} has no link`);
    link.observer.ready(streamsMax);
    return link;
  }

  async exit(index: number): Promise<void> {
    this.started(index).exit();
    await settle();
  }
}

/** Lets promises that are resolved run their handlers. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
