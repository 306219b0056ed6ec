import { fault } from "../../../src/model/model.ts";
import type { InstanceAnswer, LinkObserver } from "../../../src/scheduler/scheduler.ts";
import { type Fate, type InstanceWorld, type SimInstance, SimLink } from "./sim-instance.ts";
import type { World } from "./world.ts";

/** What a connection takes at least, where the other end sets no limit of its own. */
const STREAMS_UNLIMITED = 2 ** 31;

/** Ways in which a start goes wrong before it listens, and after. */
const BAD_BEFORE: readonly Fate[] = ["failStart", "exit", "reportLate", "hang"];
const BAD_AFTER: readonly Fate[] = ["exit", "refuseHttp2", "hang"];

/** Plays the life of instances: how starts go, crashes, connections that come and go, and how they end. */
export class InstanceLife implements InstanceWorld {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  begin(instance: SimInstance): void {
    const { dice, limits, clock } = this.#world;
    const { behaviour } = instance.pool.fn;
    const isBad = "BROKEN" in instance.spec.environment || dice.chance(behaviour.badStartShare);
    if (isBad && dice.chance(0.6)) instance.fate = dice.pick(BAD_BEFORE);
    else if (isBad) instance.afterListening = dice.pick(BAD_AFTER);
    if (instance.fate === "hang") return;
    const isLate = instance.fate === "reportLate";
    clock.schedule(instance.fateEvent, isLate ? limits.startLimitMs + dice.between(0, 400) : behaviour.listenMs());
  }

  openLink(instance: SimInstance, observer: LinkObserver): SimLink {
    const link = new SimLink(instance, observer, this);
    instance.link = link;
    this.#world.isUnsettled = true;
    return link;
  }

  fateDue(instance: SimInstance): void {
    const world = this.#world;
    world.note(instance.fate, String(instance));
    world.isUnsettled = true;
    switch (instance.fate) {
      case "listen":
        this.#go(instance, instance.afterListening, instance.pool.fn.behaviour.connectMs());
        instance.tellListening();
        break;
      case "failStart":
      case "reportLate":
        instance.hasFailed = true;
        instance.tellStartFailed("FunctionNotStarted", "it listens elsewhere");
        break;
      case "connect":
        this.#connects(instance);
        break;
      case "refuseHttp2":
        instance.hasFailed = true;
        instance.link?.observer.lost(fault("NotHttp2", "it speaks something else"));
        break;
      case "exit":
        this.#exit(instance);
        break;
      case "exitUnheard":
        this.#loseConnection(instance);
        this.#go(instance, "exit", world.dice.between(0, 200));
        break;
      case "loseConnection":
        if (instance.rest === "awake") world.lose(instance);
        else this.#go(instance, "loseConnection", 1000);
        break;
      case "hang":
        break;
      default:
        throw new Error(`Unknown fate ${instance.fate satisfies never}`);
    }
  }

  #go(instance: SimInstance, fate: Fate, afterMs: number): void {
    instance.fate = fate;
    if (fate !== "hang") this.#world.clock.schedule(instance.fateEvent, afterMs);
  }

  /** What the other end allows: mostly anything, sometimes few calls, or none for the time being. */
  #streams(instance: SimInstance): number {
    const { dice } = this.#world;
    if (dice.chance(0.85)) return STREAMS_UNLIMITED;
    return dice.below(instance.pool.revision.instanceConcurrency + 1);
  }

  #connects(instance: SimInstance): void {
    const { dice, checker } = this.#world;
    const { observer } = instance.link as SimLink;
    const streams = this.#streams(instance);
    if (streams === 0) {
      observer.ready(0);
      this.#go(instance, "connect", dice.between(1, 1000));
      return;
    }
    checker.firstReady(instance, streams);
    const { crashMeanMs } = instance.pool.fn.behaviour;
    const end = dice.pick<Fate>(["exit", "exitUnheard", "loseConnection"]);
    this.#go(instance, end, dice.exponential(crashMeanMs));
    this.#scheduleConnection(instance);
    observer.ready(streams);
  }

  #scheduleConnection(instance: SimInstance): void {
    const { dice, clock } = this.#world;
    clock.schedule(instance.connectionEvent, dice.exponential(instance.pool.fn.behaviour.reconnectMeanMs));
  }

  /** GOAWAY, the loss of the connection, other SETTINGS; or the end of such a time. */
  connectionDue(instance: SimInstance): void {
    const world = this.#world;
    // A link that is suspended tells nothing, nor does one that is just resumed here.
    if (instance.rest !== "awake") {
      this.#scheduleConnection(instance);
      return;
    }
    const { dice, clock, checker } = world;
    const { observer } = instance.link as SimLink;
    const isUp = instance.allowed > 0;
    const streams = this.#streams(instance);
    world.isUnsettled = true;
    if (isUp && streams === STREAMS_UNLIMITED) {
      world.note("connection goes away", String(instance));
      checker.allows(instance, 0);
      observer.unavailable();
      // After GOAWAY the open calls go on, after a loss they have ended.
      if (dice.chance(0.3)) this.#endCalls(instance);
      clock.schedule(instance.connectionEvent, dice.magnitude(1, 2000));
    } else if (!isUp && dice.chance(0.05)) {
      world.note("connection does not come back", String(instance));
      world.lose(instance);
    } else {
      world.note("connection allows", String(instance), streams);
      checker.allows(instance, streams);
      observer.ready(streams);
      if (streams === 0) clock.schedule(instance.connectionEvent, dice.between(1, 1000));
      else this.#scheduleConnection(instance);
    }
  }

  #loseConnection(instance: SimInstance): void {
    if (instance.rest !== "awake") return;
    this.#world.clock.cancel(instance.connectionEvent);
    this.#world.checker.allows(instance, 0);
    instance.link?.observer.unavailable();
    this.#endCalls(instance);
  }

  #endCalls(instance: SimInstance): void {
    for (const call of instance.calls) this.#world.endCall(call);
  }

  #exit(instance: SimInstance): void {
    const { clock, checker, dice } = this.#world;
    clock.cancel(instance.connectionEvent);
    clock.cancel(instance.fateEvent);
    if (instance.phase === "starting") instance.hasFailed = true;
    instance.isGone = true;
    checker.exits(instance);
    const outOfMemory = dice.chance(0.1);
    instance.tellExited(instance.isStopping ? { code: 0 } : { code: undefined, signal: "SIGKILL", outOfMemory });
  }

  // ---- what the scheduler does

  stopped(instance: SimInstance, graceMs: number): void {
    const { dice } = this.#world;
    this.#world.trace.note(this.#world.clock.nowMs(), "is told to stop", String(instance), graceMs);
    this.#world.checker.isEnded(instance, false);
    // Most end at once, some take their time, some wait for SIGKILL.
    const takes = dice.chance(0.7) ? dice.between(0, 50) : dice.between(0, 1.2 * graceMs);
    this.#exitWithin(instance, Math.min(graceMs, takes));
  }

  destroyed(instance: SimInstance): void {
    this.#world.trace.note(this.#world.clock.nowMs(), "is killed", String(instance));
    this.#world.checker.isEnded(instance, true);
    this.#exitWithin(instance, this.#world.dice.between(0, 20));
  }

  #exitWithin(instance: SimInstance, withinMs: number): void {
    const { clock } = this.#world;
    this.#world.isUnsettled = true;
    if (instance.isGone) return;
    const isExiting = instance.isStopping && instance.fateEvent.scheduled;
    instance.isStopping = true;
    clock.cancel(instance.connectionEvent);
    if (isExiting && instance.fateEvent.dueAt <= clock.nowMs() + withinMs) return;
    this.#go(instance, "exit", withinMs);
  }

  freezes(instance: SimInstance): Promise<void> {
    const { checker, dice, clock } = this.#world;
    checker.check(instance.rest === "asleep", () => `${instance} is frozen before its link is suspended`);
    this.#world.note("is frozen", String(instance));
    this.#world.isUnsettled = true;
    return this.#later(dice.magnitude(0.1, 20), () => {
      if (instance.isGone) throw new Error("it is gone");
      instance.isFrozen = instance.rest === "asleep";
      this.#world.note(`has been frozen at ${clock.nowMs()}`, String(instance));
    });
  }

  thaws(instance: SimInstance): Promise<void> {
    this.#world.note("is thawed", String(instance));
    this.#world.isUnsettled = true;
    if (instance.phase === "serving") this.#world.checker.sleeps(instance, "waking");
    return this.#later(this.#world.dice.magnitude(0.1, 20), () => {
      instance.isFrozen = false;
      if (instance.isGone) throw new Error("it is gone");
    });
  }

  suspended(link: SimLink): void {
    const { checker } = this.#world;
    this.#world.isUnsettled = true;
    checker.check(link.instance.rest === "awake", () => `${link.instance} is suspended while ${link.instance.rest}`);
    checker.sleeps(link.instance, "asleep");
  }

  resumes(link: SimLink, timeoutMs: number): Promise<boolean> {
    const { dice, checker } = this.#world;
    const { instance } = link;
    checker.check(!instance.isFrozen, () => `the link of ${instance} is resumed while it is frozen`);
    const isLost = dice.chance(0.02);
    return this.#later(isLost ? timeoutMs - 1 : dice.magnitude(0.1, 100), () => {
      if (isLost || link.closed || instance.isGone) return false;
      checker.sleeps(instance, "awake");
      return true;
    });
  }

  asked(link: SimLink): Promise<InstanceAnswer> {
    const { instance } = link;
    this.#world.checker.check(instance.rest !== "asleep", () => `${instance} is asked while it is frozen`);
    return this.#later(1, () => ({ kind: "answered", ok: true, httpStatus: 200, detail: "" }));
  }

  /** What `answer` gives or throws, `afterMs` from now. */
  #later<T>(afterMs: number, answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#world.clock.wakeAfter(afterMs, () => {
        this.#world.isUnsettled = true;
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  linkClosed(link: SimLink): void {
    this.#world.isUnsettled = true;
    if (link.closed) return;
    link.closed = true;
    this.#world.clock.cancel(link.instance.connectionEvent);
    // A start that is given up is told by its end, which follows.
    if (link.instance.phase === "serving") this.#world.checker.retires(link.instance);
    this.#endCalls(link.instance);
  }
}
