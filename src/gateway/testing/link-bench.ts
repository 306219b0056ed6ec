import { duplexPair } from "node:stream";
import { type Clock, silentLogger, TimerWheel } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { ExitReport } from "../../drivers/driver.ts";
import { connectionOptions, type HeaderList, type Stream, type StreamHandler } from "../../h2/h2.ts";
import { PREFACE, type ReadFrame, SETTINGS_ACK, settings } from "../../h2/testing/script.ts";
import { BusyMeter } from "../../metering/metering.ts";
import type { InstanceId, Revision, UsageRecord } from "../../model/model.ts";
import type { LinkObserver } from "../../scheduler/scheduler.ts";
import { entry } from "../../scheduler/testing/scheduler-bench.ts";
import { ChunkGarbage } from "../chunk-garbage.ts";
import { FlushQueue } from "../flush-queue.ts";
import { runtimeHeaders } from "../forwarded-head.ts";
import { InstanceLink, type LinkedInstance } from "../instance-link.ts";
import { gatewayLimits } from "../limits.ts";
import { Refusals } from "../refusals.ts";
import { TurnQueue } from "../turn-queue.ts";
import { RawPeer } from "./raw-peer.ts";

const CALL: HeaderList = [":method", "POST", ":scheme", "http", ":path", "/p.S/M", ":authority", "f"];

const thrown = (error: unknown): never => {
  throw error;
};

/** A link as the gateway opens it, to whatever instance. */
export function openLink(options: {
  readonly clock: Clock;
  readonly instance: LinkedInstance;
  readonly observer: LinkObserver;
  readonly wheel?: TimerWheel;
  readonly revision?: Partial<Revision>;
  readonly record?: (record: UsageRecord) => void;
}): InstanceLink {
  const { clock, instance, observer, record = () => {} } = options;
  const { revision } = entry("r1", { instanceConcurrency: 10, instanceSoftConcurrency: 10, ...options.revision });
  const { function: key, id: revisionId, memoryMb } = revision;
  return new InstanceLink({
    instance,
    revision,
    observer,
    context: {
      flushQueue: new FlushQueue(clock, thrown),
      garbage: new ChunkGarbage(),
      turnQueue: new TurnQueue(),
      wheel: options.wheel ?? new TimerWheel(clock, thrown),
      clock,
      connectionFailed: thrown,
      instanceOptions: connectionOptions({}),
      refusals: new Refusals(clock, silentLogger),
      limits: gatewayLimits(),
    },
    clock,
    meter: new BusyMeter({ instanceId: instance.id, function: key, revisionId, memoryMb }, record, clock),
    runtimeHeaders: runtimeHeaders(revision, "local"),
  });
}

/** A link on fake time to an instance that is a script of frames; what the scheduler is told is kept in words. */
export class LinkBench {
  readonly clock = new FakeClock();
  readonly wheel: TimerWheel;
  /** The instance's ends of its connections, as they come. */
  readonly peers: RawPeer[] = [];
  readonly told: string[] = [];
  readonly usage: UsageRecord[] = [];
  readonly link: InstanceLink;
  /** What a connection greets with; undefined: nothing. */
  greeting: Buffer | undefined;
  /** What becomes of a connection behind the greeting. */
  afterGreeting: (peer: RawPeer) => void = () => {};
  /** SETTINGS are acknowledged. */
  acknowledges = true;
  connects = 0;
  /** What the kernel says of it. */
  ranOutOfMemory = false;
  #exit: (report: ExitReport) => void = () => {};
  readonly #onFrame: (peer: RawPeer, frame: ReadFrame) => void;

  private constructor(more: Partial<Revision>, streamsMax: number, onFrame: (peer: RawPeer, frame: ReadFrame) => void) {
    const { clock } = this;
    this.greeting = settings([3, streamsMax]);
    this.#onFrame = onFrame;
    this.wheel = new TimerWheel(clock, thrown);
    this.link = openLink({
      clock,
      wheel: this.wheel,
      instance: {
        id: "i-1" as InstanceId,
        exited: new Promise((resolve) => {
          this.#exit = resolve;
        }),
        connect: async () => this.#accept(),
        ranOutOfMemory: () => this.ranOutOfMemory,
      },
      revision: more,
      observer: {
        ready: (streamsMax) => this.told.push(`ready ${streamsMax}`),
        unavailable: () => this.told.push("unavailable"),
        lost: (cause) => this.told.push(`lost ${cause.errorType}`),
      },
      record: (record) => this.usage.push(record),
    });
  }

  /** A link whose first connection stands. `streamsMax`: what the instance allows. */
  static async start(
    onFrame: (peer: RawPeer, frame: ReadFrame) => void = () => {},
    options: Partial<Revision> & { readonly streamsMax?: number } = {},
  ): Promise<LinkBench> {
    const { streamsMax = 100, ...more } = options;
    const bench = new LinkBench(more, streamsMax, onFrame);
    await bench.settled();
    // It has lasted for a while.
    bench.clock.advance(1000);
    bench.told.length = 0;
    return bench;
  }

  /** The instance's end of the newest connection. */
  get peer(): RawPeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("There is no connection");
    return peer;
  }

  /** Sends a call; `log` says how it went. */
  call(): { readonly stream: Stream; readonly log: string[] } {
    const log: string[] = [];
    const { link } = this;
    const handler: StreamHandler = {
      headers: () => log.push("headers"),
      data: () => log.push("data"),
      trailers: () => log.push("trailers"),
      reset: (code) => log.push(`reset ${code}`),
      sent() {},
      closed() {
        log.push("closed");
        link.requestEnded();
      },
    };
    return { stream: link.request(CALL, true, handler), log };
  }

  exit(): void {
    this.#exit({ code: 1, signal: undefined, outOfMemory: false, stderrTail: "" });
  }

  /** Time passes, second by second, as the gateway tells it. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000);
      this.link.tick(this.clock.nowMs());
    }
    await this.settled();
  }

  /** Lets streams, promises and the flush queue do what they have to. */
  async settled(): Promise<void> {
    for (let i = 0; i < 8; i++) await new Promise(setImmediate);
  }

  #accept() {
    this.connects += 1;
    const [ours, theirs] = duplexPair();
    // As a socket does.
    theirs.on("close", () => ours.destroy());
    const peer = new RawPeer(theirs, PREFACE.length, (frame) => {
      if (this.acknowledges && frame.type === "SETTINGS" && (frame.flags & 1) === 0) peer.send(SETTINGS_ACK);
      this.#onFrame(peer, frame);
    });
    this.peers.push(peer);
    if (this.greeting !== undefined) peer.send(this.greeting);
    this.afterGreeting(peer);
    return ours;
  }
}
