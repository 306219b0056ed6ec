/** Conversations that keep every rule, in any chunks, and the same with changes; in both roles. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { ConnectionFault, ErrorCode, type Role, type Stream, UsageError } from "./h2.ts";
import {
  CALLS,
  CHUNK_SIZES,
  chunksOf,
  conversation,
  MUTATION,
  type Mutation,
  mutate,
  STEP,
  type Step,
} from "./testing/conversation.ts";
import { End } from "./testing/pair.ts";
import { PREFACE, REQUEST, RESPONSE, Recorder, SETTINGS_ACK, settings, TRAILERS } from "./testing/script.ts";

const OPTIONS = { concurrentStreamsMax: 100, streamWindowBytes: 65_535, streamWindowMaxBytes: 65_535 };
const CODES: ReadonlySet<number> = new Set(Object.values(ErrorCode));

/** All that one frame of the peer may make us write: RST_STREAM and WINDOW_UPDATE for nine bytes, and the last GOAWAY. */
const ANSWER_RATIO = 3;
const GOAWAY_BYTES_MAX = 64;

/** Keeps what it was given, and gives no credit: what is held then is what the windows allow. */
class Keeper extends Recorder {
  override consumes = false;
  readonly kept: Buffer[] = [];

  override data(chunk: Buffer, endStream: boolean): void {
    this.kept.push(chunk);
    super.data(chunk, endStream);
  }
}

/** A connection of ours under fuzz. */
class Subject {
  readonly end: End;
  readonly keepers = new Map<number, Keeper>();
  receivedBytes = 0;
  writtenBytes = 0;

  constructor(role: Role) {
    const keep = (stream: Stream): Keeper => {
      const keeper = new Keeper();
      keeper.stream = stream;
      this.keepers.set(stream.id, keeper);
      return keeper;
    };
    this.end = new End(role, OPTIONS, keep, keep);
    if (role === "server") this.#receive(PREFACE);
    this.#receive(settings(), SETTINGS_ACK);
    for (let call = 0; role === "client" && call < CALLS; call++) {
      const keeper = new Keeper();
      keeper.stream = this.end.connection.request(REQUEST, false, keeper);
      this.keepers.set(keeper.stream.id, keeper);
    }
    this.end.flush();
  }

  get heldBytes(): number {
    let bytes = 0;
    for (const { kept } of this.keepers.values()) for (const chunk of kept) bytes += chunk.length;
    return bytes;
  }

  /** Takes a chunk, and writes as long as the socket takes it. Whatever is thrown here is a failure. */
  take(chunk: Buffer, socketIsFull = false): void {
    this.end.transport.takesMore = !socketIsFull;
    this.#receive(chunk);
    this.receivedBytes += chunk.length;
    for (const part of this.end.flush()) this.writtenBytes += part.length;
    if (!socketIsFull) this.end.connection.drained();
    for (const part of this.end.flush()) this.writtenBytes += part.length;
  }

  /** What holds after any input. */
  assertSound(): void {
    const { connection, fault, log, transport } = this.end;
    const isClosed = transport.closed !== "no";
    assert.equal(log.filter((line) => line.startsWith("closed")).length, isClosed ? 1 : 0);
    if (fault !== undefined) {
      assert.ok(fault instanceof ConnectionFault);
      assert.ok(CODES.has(fault.code) && fault.token !== "" && /^RFC \d+ §/.test(fault.source), `${fault.token}`);
    }
    if (isClosed) assert.equal(connection.openStreams, 0);
    assert.ok(connection.openStreams <= OPTIONS.concurrentStreamsMax);
    for (const { log: told, stream } of this.keepers.values()) {
      const ends = told.filter((line) => line === "closed").length;
      assert.equal(ends, stream!.localClosed && stream!.remoteClosed ? 1 : 0, told.join(", "));
      if (ends > 0) assert.equal(told.at(-1), "closed");
      if (isClosed) assert.equal(ends, 1);
      assert.ok(told.filter((line) => line.startsWith("headers")).length <= 1);
    }
    for (const { kept } of this.keepers.values()) {
      const bytes = kept.reduce((sum, chunk) => sum + chunk.length, 0);
      assert.ok(bytes <= OPTIONS.streamWindowBytes, `${bytes} bytes of one stream are held`);
    }
  }

  #receive(...parts: Buffer[]): void {
    this.end.connection.receive(Buffer.concat(parts));
  }
}

const STEPS = fc.array(STEP, { maxLength: 40, size: "max" });
const ROLE = fc.constantFrom<Role>("server", "client");

describe("a valid conversation", () => {
  it("is understood in any chunks, in both roles: every stream with all its content and its own end", () => {
    fc.assert(
      fc.property(ROLE, STEPS, CHUNK_SIZES, (role, steps, sizes) => {
        const { frames, streams } = conversation(role, steps);
        const subject = new Subject(role);
        for (const chunk of chunksOf(Buffer.concat(frames), sizes)) subject.take(chunk);
        assert.equal(subject.end.fault, undefined);
        assert.ok(!subject.end.log.some((line) => line.startsWith("stream fault")), subject.end.log.join(", "));
        assert.deepEqual([...subject.keepers.keys()], [...streams.keys()]);
        for (const [id, { bytes, end }] of streams) {
          const { stream, receivedBytes, log } = subject.keepers.get(id)!;
          assert.equal(receivedBytes, bytes, `content of stream ${id}`);
          assert.equal(stream!.remoteClosed, end !== "none", `stream ${id}: ${log.join(", ")}`);
          assert.equal(stream!.isReset, end === "reset", `stream ${id}`);
        }
        subject.assertSound();
      }),
      { numRuns: 500 },
    );
  });
});

/** What a handler may do at any time. */
const ACTION = fc.record({
  what: fc.constantFrom("headers", "data", "trailers", "reset", "reset NO_ERROR", "consumed", "nothing", "nothing"),
  on: fc.nat(10),
  bytes: fc.nat(40_000),
  endStream: fc.boolean(),
});

function act(
  subject: Subject,
  { what, on, bytes, endStream }: { what: string; on: number; bytes: number; endStream: boolean },
): void {
  const keepers = [...subject.keepers.values()];
  const stream = keepers[on % Math.max(1, keepers.length)]?.stream;
  if (stream === undefined) return;
  try {
    if (what === "headers") stream.headers(RESPONSE, endStream);
    else if (what === "data") stream.data(Buffer.alloc(bytes), endStream);
    else if (what === "trailers") stream.trailers(TRAILERS);
    else if (what === "consumed") stream.consumed(bytes);
    else if (what !== "nothing") stream.reset(what === "reset" ? ErrorCode.CANCEL : ErrorCode.NO_ERROR);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

const MUTATIONS = fc.array(MUTATION, { minLength: 1, maxLength: 5 });

function mutated(
  role: Role,
  steps: readonly Step[],
  mutations: readonly Mutation[],
  sizes: readonly number[],
): Buffer[] {
  return chunksOf(Buffer.concat(mutate(conversation(role, steps).frames, mutations)), sizes);
}

describe("a conversation that was changed", () => {
  it("ends in our own faults or goes on, holds no more than the windows, and is answered in proportion", () => {
    fc.assert(
      fc.property(ROLE, STEPS, MUTATIONS, CHUNK_SIZES, (role, steps, mutations, sizes) => {
        const subject = new Subject(role);
        for (const chunk of mutated(role, steps, mutations, sizes)) {
          subject.take(chunk);
          if (subject.end.transport.closed !== "no") break;
        }
        subject.assertSound();
        const mostBytes = subject.receivedBytes * ANSWER_RATIO + GOAWAY_BYTES_MAX;
        assert.ok(subject.writtenBytes <= mostBytes, `${subject.receivedBytes} in, ${subject.writtenBytes} out`);
      }),
      { numRuns: 3_000 },
    );
  });

  it("does no harm either while handlers do anything and the socket fills up", () => {
    const turns = fc.array(fc.record({ action: ACTION, socketIsFull: fc.boolean() }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ROLE, STEPS, MUTATIONS, CHUNK_SIZES, turns, (role, steps, mutations, sizes, choices) => {
        const subject = new Subject(role);
        for (const [turn, chunk] of mutated(role, steps, mutations, sizes).entries()) {
          const { action, socketIsFull } = choices[turn % choices.length]!;
          subject.take(chunk, socketIsFull);
          act(subject, action);
        }
        subject.take(Buffer.alloc(0));
        for (const { kept } of subject.keepers.values()) kept.length = 0;
        subject.assertSound();
      }),
      { numRuns: 2_000 },
    );
  });

  it("leaves little memory behind: 200 connections that are kept, each having heard one up to 40 times", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heldBytes = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const inputs = fc.sample(fc.tuple(ROLE, STEPS, MUTATIONS, CHUNK_SIZES), 200);
    const before = heldBytes();
    const subjects = inputs.map(([role, steps, mutations, sizes]) => {
      const subject = new Subject(role);
      const chunks = mutated(role, steps, mutations, sizes);
      for (let round = 0; round < 40 && subject.end.transport.closed === "no"; round++) {
        for (const chunk of chunks) subject.take(chunk);
        // Handlers hold nothing here: what is left is the connection's own.
        for (const keeper of subject.keepers.values()) {
          keeper.kept.length = 0;
          keeper.log.length = 0;
        }
        subject.end.log.length = 0;
      }
      return subject;
    });
    const bytesEach = (heldBytes() - before) / subjects.length;
    assert.ok(bytesEach < 128 * 1024, `${Math.round(bytesEach)} bytes a connection`);
    assert.equal(subjects.length, 200);
  });
});
