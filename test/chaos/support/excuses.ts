import type { ErrorType } from "../../../src/model/model.ts";
import type { CallResult } from "./client-process.ts";
import { EVIL_MODES } from "./evil-modes.ts";
import { type RoleName, roleOf } from "./fleet.ts";
import type { Happened } from "./injector.ts";
import type { Disturbance, ScheduledCall } from "./schedule.ts";

/** With what calls of a function may end that are open at some time within it. Unix epoch milliseconds. */
export interface Excuse {
  readonly role: RoleName;
  readonly fromAt: number;
  readonly untilAt: number;
  readonly errors: readonly ErrorType[];
  /** Only where the message says so. */
  readonly words?: RegExp;
  /** Only calls that ran there. */
  readonly instanceId?: string;
}

/** How an instance ended or a connection broke is known this long after it happened, at the latest. */
const NEWS_MS = 500;

/** A pause of 1, 2, 4 s after failed starts, in which calls are answered with the failure of before. */
const BACK_OFF_MS = 5_000;
const START_LIMIT_MS = 5_000;

const START_FAULTS: Readonly<Record<string, readonly ErrorType[]>> = {
  exits: ["CAExited"],
  "killed-at-start": ["CAExited"],
  "never-listens": ["FunctionNotStarted"],
  "wrong-port": ["FunctionNotStarted"],
  http1: ["NotHttp2"],
  garbage: ["NotHttp2"],
  closes: ["NotHttp2"],
};

/** All excuses of a run. What is not excused is an error. */
export function excusesOf(
  happened: readonly Happened[],
  calls: ReadonlyMap<string, ScheduledCall>,
  results: readonly CallResult[],
): Excuse[] {
  const last = results.reduce((latest, { endedAt }) => Math.max(latest, endedAt), 0);
  return [
    ...happened.flatMap((each) => ofDisturbance(each, last)),
    ...results.flatMap((result) => ofCall(calls.get(result.id), result)),
    ...ofBroken(happened, last),
    { role: "growing", fromAt: 0, untilAt: last, errors: ["FunctionOOM"] },
    // On a busy machine the connection may be gone some time before the kernel's verdict is read.
    {
      role: "growing",
      fromAt: 0,
      untilAt: last,
      errors: ["FunctionExited"],
      words: /closed the connection with the call on it/,
    },
    { role: "looping", fromAt: 0, untilAt: last, errors: ["FunctionExited"] },
  ];
}

function ofDisturbance({ disturbance, fromAt, untilAt, instanceId }: Happened, last: number): Excuse[] {
  const { role, kind } = disturbance;
  const there = instanceId === undefined ? {} : { instanceId };
  switch (kind) {
    case "kill":
      if (instanceId === undefined) return [];
      return [{ role, fromAt, untilAt: untilAt + NEWS_MS, errors: ["FunctionExited"], ...there }];
    case "stop":
      if (instanceId === undefined) return [];
      return [{ role, fromAt, untilAt, errors: ["FunctionTimeout", "FunctionUnresponsive"], ...there }];
    case "redeploy":
      // Calls that waited for starts of the revision before may have no time left for those of the new one.
      if (role !== "broken") return [];
      return [
        { role, fromAt, untilAt, errors: ["ResourceExhausted"], words: /: 0 instances .*, and no other came up/ },
      ];
    case "remove":
      return [
        { role, fromAt, untilAt: last, errors: ["RouteNotFound"] },
        { role, fromAt, untilAt: untilAt + NEWS_MS, errors: ["Unavailable"] },
      ];
    default:
      return kind satisfies never;
  }
}

/** A call that has its function misbehave, for those beside it. */
function ofCall(call: ScheduledCall | undefined, { startedAt, endedAt }: CallResult): Excuse[] {
  if (call === undefined) return [];
  const within = { role: call.role, fromAt: startedAt, untilAt: endedAt + NEWS_MS };
  if (call.metadata["x-exit"] !== undefined) return [{ ...within, errors: ["FunctionExited"] }];
  const mode = EVIL_MODES[call.metadata["x-evil"] ?? ""];
  if (mode === undefined || mode.beside.length === 0) return [];
  return [{ ...within, errors: mode.beside }];
}

/** Each way to fail holds until the next one is deployed, and what was started or refused with it a while longer. */
function ofBroken(happened: readonly Happened[], last: number): Excuse[] {
  const own = happened.filter(({ disturbance }) => disturbance.role === "broken");
  const modes = own.map(({ disturbance }) => modeOf(disturbance));
  const first = roleOf("broken").environment?.["EVIL"] ?? "ok";
  return [first, ...modes].map((mode, index): Excuse => {
    const untilAt = (own[index]?.untilAt ?? last) + START_LIMIT_MS + BACK_OFF_MS;
    return { role: "broken", fromAt: own[index - 1]?.fromAt ?? 0, untilAt, errors: START_FAULTS[mode] ?? [] };
  });
}

function modeOf(disturbance: Disturbance): string {
  return disturbance.kind === "redeploy" ? (disturbance.environment["EVIL"] ?? "ok") : "ok";
}
