/**
 * What the gateway does when it is short of memory, in steps (Envoy's overload manager): no new connections, then no
 * new calls and an end to those that stand still, then an end to connections that nobody uses. Decisions only.
 */
import { type Fault, fault } from "../model/model.ts";
import type { GatewayLimits } from "./limits.ts";

/** How short of memory the gateway is; each level does what the ones below it do, too. */
export const Pressure = { NONE: 0, NO_CONNECTIONS: 1, NO_CALLS: 2, CLOSE_IDLE: 3 } as const;
export type Pressure = (typeof Pressure)[keyof typeof Pressure];

const LEVELS = [Pressure.CLOSE_IDLE, Pressure.NO_CALLS, Pressure.NO_CONNECTIONS] as const;

/** A stream that moved within this time is slow, not stalled. */
const STALLED_PERIODS_MIN = 10;

/** Idle connections that are closed at one tick: a part of them, so that not all clients come back at once. */
const IDLE_CLOSED_RATIO = 0.1;
const IDLE_CLOSED_MIN = 10;

type PressureLimits = Pick<
  GatewayLimits,
  | "memoryMaxMb"
  | "memoryRefuseConnectionsPercent"
  | "memoryRefuseCallsPercent"
  | "memoryCloseIdlePercent"
  | "memoryHysteresisPercent"
>;

/** Bytes at which a level begins. */
export function beginsAtBytes(level: Pressure, limits: PressureLimits): number {
  const percents = [
    0,
    limits.memoryRefuseConnectionsPercent,
    limits.memoryRefuseCallsPercent,
    limits.memoryCloseIdlePercent,
  ] as const;
  return (limits.memoryMaxMb * 1024 * 1024 * percents[level]) / 100;
}

/** The level at `usedBytes`; one that is in force ends only a few percent below where it began, so that it does not flap. */
export function pressureAt(usedBytes: number, before: Pressure, limits: PressureLimits): Pressure {
  const slackBytes = (limits.memoryMaxMb * 1024 * 1024 * limits.memoryHysteresisPercent) / 100;
  for (const level of LEVELS) {
    const staysAtBytes = beginsAtBytes(level, limits) - (before >= level ? slackBytes : 0);
    if (usedBytes >= staysAtBytes) return level;
  }
  return Pressure.NONE;
}

/** What waits for somebody to read it. */
export interface Stall {
  readonly stalledPeriods: number;
  readonly queuedBytes: number;
}

/** The stalls to end so that `bytes` become free: those that have stood still longest. */
export function stallsToCut<S extends Stall>(stalls: readonly S[], bytes: number): S[] {
  const oldestFirst = stalls
    .filter(({ stalledPeriods }) => stalledPeriods >= STALLED_PERIODS_MIN)
    .sort((a, b) => b.stalledPeriods - a.stalledPeriods);
  const cut: S[] = [];
  let freedBytes = 0;
  for (const stall of oldestFirst) {
    if (freedBytes >= bytes) break;
    freedBytes += stall.queuedBytes;
    cut.push(stall);
  }
  return cut;
}

/** The idle connections to close now: those that have been unused longest. */
export function idlestToClose<C extends { readonly usedAt: number }>(idle: readonly C[]): C[] {
  const count = Math.max(IDLE_CLOSED_MIN, Math.ceil(idle.length * IDLE_CLOSED_RATIO));
  return [...idle].sort((a, b) => a.usedAt - b.usedAt).slice(0, count);
}

/** Why a call was cut. */
export function stalledFault(stalledPeriods: number): Fault {
  return fault(
    "StalledUnderPressure",
    `nobody took its bytes for about ${stalledPeriods} s while the gateway was short of memory`,
  );
}
