import { Dice } from "./dice.ts";
import { EVIL_MODES } from "./evil-modes.ts";
import { FLEET, type Role, type RoleName } from "./fleet.ts";

/** A call as the Go client makes it; test/fixtures/go/client/schedule.go says what the fields mean. */
export interface ScheduledCall {
  readonly id: string;
  readonly role: RoleName;
  readonly atMs: number;
  readonly kind: "unary" | "serverStream" | "clientStream" | "bidi";
  readonly connection: number;
  readonly payloadBytes: number;
  readonly payload?: string;
  readonly messages: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly cancelAfterMs?: number;
  readonly cancelAfterMessages?: number;
}

/** Something that is done to the fleet while it is called. `pick` chooses among its instances. */
export type Disturbance = { readonly role: RoleName; readonly atMs: number } & (
  | { readonly kind: "kill"; readonly pick: number }
  | { readonly kind: "stop"; readonly pick: number; readonly forMs: number }
  | { readonly kind: "redeploy"; readonly environment: Readonly<Record<string, string>>; readonly program?: string }
  | { readonly kind: "remove" }
);

export interface Schedule {
  readonly seed: number;
  readonly seconds: number;
  /** In order of their times. */
  readonly calls: readonly ScheduledCall[];
  readonly disturbances: readonly Disturbance[];
}

/** Ways of a new revision not to come up. */
const FAILING_STARTS = ["exits", "killed-at-start", "never-listens", "wrong-port", "http1", "garbage", "closes"];

/** All that happens in a run. */
export function makeSchedule(seed: number, seconds: number): Schedule {
  const dice = new Dice(seed);
  const calls = FLEET.flatMap((role) => callsOf(role, dice.for(role.name), seconds * 1000));
  const disturbances = [
    ...kills(dice.for("kills"), seconds * 1000),
    ...stops(dice.for("stops"), seconds * 1000),
    ...moves(dice.for("moves"), seconds * 1000),
    ...repairs(dice.for("repairs"), seconds * 1000),
    { kind: "remove" as const, role: "removed" as const, atMs: dice.for("removal").between(400, 700) * seconds },
  ];
  return {
    seed,
    seconds,
    calls: calls.sort((a, b) => a.atMs - b.atMs),
    disturbances: disturbances.sort((a, b) => a.atMs - b.atMs),
  };
}

/** Replies that an OK call has brought. */
export function repliesOf(call: ScheduledCall): number {
  const repeat = Number(call.metadata["x-repeat"] ?? 1);
  switch (call.kind) {
    case "unary":
    case "clientStream":
      return 1;
    case "serverStream":
      return repeat;
    case "bidi":
      return repeat * call.messages;
    default:
      return call.kind satisfies never;
  }
}

// ---- calls

function callsOf(role: Role, dice: Dice, untilMs: number): ScheduledCall[] {
  const times = role.inBursts ? burstTimes(role, dice, untilMs) : dice.times(role.callsPerSecond, untilMs);
  return times.map((atMs, index) => {
    const id = `${role.name}-${index}`;
    return role.program === "evil" ? evilCall(role, id, atMs, dice) : echoCall(role, id, atMs, dice);
  });
}

/** Bursts with pauses about as long as an idle instance lives, so that calls come just when it is being stopped. */
function burstTimes(role: Role, dice: Dice, untilMs: number): number[] {
  const times: number[] = [];
  for (let atMs = dice.between(0, 1000); atMs < untilMs; atMs += dice.between(1300, 4000)) {
    for (let count = role.callsPerSecond * 2; count > 0; count--) times.push(atMs + dice.between(0, 100));
  }
  return times.sort((a, b) => a - b);
}

function echoCall(role: Role, id: string, atMs: number, dice: Dice): ScheduledCall {
  const kind = dice.pick<ScheduledCall["kind"]>(["unary", "unary", "unary", "serverStream", "clientStream", "bidi"]);
  const metadata: Record<string, string> = {};
  if (dice.chance(0.5)) metadata["x-sleep-ms"] = String(dice.between(1, 30));
  if (kind === "serverStream" || kind === "bidi") {
    metadata["x-repeat"] = String(dice.between(1, kind === "bidi" ? 2 : 12));
    metadata["x-interval-ms"] = String(dice.between(0, 40));
  }
  if (role.name === "exiting" && dice.chance(0.015)) metadata["x-exit"] = String(dice.between(0, 5));
  if (role.name === "growing" && dice.chance(0.1)) metadata["x-allocate-mb"] = String(dice.between(8, 24));
  const payloadBytes = dice.chance(0.03) ? dice.between(20_000, 120_000) : dice.between(0, 2000);
  const messages = kind === "clientStream" || kind === "bidi" ? dice.between(1, 5) : 1;
  const call = { id, role: role.name, atMs, kind, connection: dice.between(0, 2), payloadBytes, messages, metadata };
  return { ...call, ...impatience(dice, metadata) };
}

/** Clients that give up: by a deadline that cannot be kept, or by cancelling. */
function impatience(dice: Dice, metadata: Record<string, string>): Partial<ScheduledCall> {
  if (dice.chance(0.03)) {
    metadata["x-sleep-ms"] = "1000";
    return { deadlineMs: dice.between(1, 300) };
  }
  if (dice.chance(0.05)) return { cancelAfterMs: dice.between(0, 200) };
  if (dice.chance(0.02)) return { cancelAfterMessages: dice.between(1, 3) };
  return {};
}

function evilCall(role: Role, id: string, atMs: number, dice: Dice): ScheduledCall {
  const metadata: Record<string, string> = {};
  if (role.name === "evil" && dice.chance(0.2)) {
    metadata["x-evil"] = dice.pick(Object.keys(EVIL_MODES) as [string, ...string[]]);
    if (metadata["x-evil"] === "rst") {
      // REFUSED_STREAM (7) would say that it did not see the call; rst-refuse-once is about that.
      metadata["x-rst-code"] = String(dice.pick([1, 2, 3, 8, 11, 12]));
      metadata["x-rst-when"] = dice.pick(["start", "head", "data"]);
    }
  }
  const call = {
    kind: "unary",
    connection: dice.between(0, 2),
    payloadBytes: 0,
    payload: "evil",
    messages: 1,
  } as const;
  return { id, role: role.name, atMs, metadata, ...call };
}

// ---- disturbances

function kills(dice: Dice, untilMs: number): Disturbance[] {
  return dice.times(0.5, untilMs).map((atMs) => ({ kind: "kill", role: "killed", atMs, pick: dice.between(0, 99) }));
}

/** Short ones that end by themselves, and one that lasts until the platform ends the instance. */
function stops(dice: Dice, untilMs: number): Disturbance[] {
  const stop = (atMs: number, forMs: number): Disturbance => {
    return { kind: "stop", role: "stopped", atMs, forMs, pick: dice.between(0, 99) };
  };
  const short = dice.times(0.15, untilMs / 2).map((atMs) => stop(atMs, dice.between(100, 3000)));
  return [...short, stop(untilMs / 2 + 3000, untilMs)];
}

/** The first revision works by then; one that never did is not kept where the next one fails. */
const FIRST_MOVE_MS = 3000;

/** Revisions that come up, and others that do not: calls must notice neither. */
function moves(dice: Dice, untilMs: number): Disturbance[] {
  const times = dice.times(0.25, untilMs - FIRST_MOVE_MS).map((atMs) => FIRST_MOVE_MS + atMs);
  return times.map((atMs, index) => {
    const move = { kind: "redeploy", role: "moved", atMs, environment: { REVISION: String(index) } } as const;
    const fails = dice.pick(["no", "no", "missing", "late"]);
    if (fails === "missing") return { ...move, program: "there-is-no-such-program" };
    return fails === "late" ? { ...move, environment: { START_DELAY_MS: "60000" } } : move;
  });
}

/** One way to fail after the other, with at least ten seconds for each, and in the end a revision that works. */
function repairs(dice: Dice, untilMs: number): Disturbance[] {
  const ways = dice.shuffled(FAILING_STARTS).slice(0, Math.max(1, Math.floor(untilMs / 12_000)));
  const everyMs = untilMs / (ways.length + 1);
  return [...ways, "ok"].map((mode, index) => {
    return { kind: "redeploy", role: "broken", atMs: Math.floor(everyMs * index) + 500, environment: { EVIL: mode } };
  });
}
