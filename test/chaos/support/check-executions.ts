import type { UsageTotal } from "../../../src/client/client.ts";
import type { CallResult } from "./client-process.ts";
import type { Execution, Executions } from "./executions.ts";
import { type RoleName, roleOf } from "./fleet.ts";
import type { ScheduledCall } from "./schedule.ts";

/** A function and the gateway see the two ends of a call at slightly different times, and both round. */
const SLACK_PER_STRETCH_MS = 2;

/** No call ran twice, ended twice, or ran beside more others than its function allows. */
export function checkExecutions(
  calls: readonly ScheduledCall[],
  results: readonly CallResult[],
  executions: Executions,
): string[] {
  const problems: string[] = [];
  const resultOf = new Map(results.map((result) => [result.id, result]));
  for (const { id, role } of calls) {
    const result = resultOf.get(id);
    const execution = executions.byId.get(id);
    const ran = (execution?.startedOn.length ?? 0) - (execution?.unseen ?? 0);
    if (ran > 1) {
      problems.push(`${id} ran ${ran} times, on ${execution?.startedOn.join(" and ")}`);
    }
    if (ran < 1 && result?.code === "OK" && !executions.droppedLines) problems.push(`${id} is OK, and never ran`);
    const { instanceConcurrency } = roleOf(role);
    if ((result?.peakCalls ?? 0) > instanceConcurrency) {
      problems.push(`${id}: its instance had ${result?.peakCalls} calls at once, and may have ${instanceConcurrency}`);
    }
    // What leads to no function has no log to be in.
    const isLogged = result?.requestId !== undefined && result.errorType !== "RouteNotFound";
    const endings = isLogged ? executions.endings.get(result.requestId ?? "") : 1;
    if (endings !== 1) problems.push(`${id} (${result?.requestId}): ${endings ?? 0} lines of the log tell of its end`);
  }
  return problems;
}

/**
 * Busy time is the union of an instance's calls. From outside it lies between the union of what the function saw of
 * them and the union of what their clients saw.
 */
export function checkUsage(
  role: RoleName,
  usage: UsageTotal | undefined,
  results: readonly CallResult[],
  executions: Executions,
): string[] {
  const inner = new Map<string, Stretch[]>();
  const outer = new Map<string, Stretch[]>();
  let nowhereMs = 0;
  let nowhere = 0;
  let ran = 0;
  for (const { id, startedAt, endedAt } of results) {
    const execution = executions.byId.get(id);
    if (execution === undefined) {
      // Perhaps it was on its way to an instance.
      nowhere += 1;
      nowhereMs += endedAt - startedAt;
      continue;
    }
    ran += 1;
    for (const instanceId of execution.startedOn) push(outer, instanceId, [startedAt, endedAt]);
    const [first] = execution.startedOn;
    const until = seenUntil(execution, endedAt);
    if (first !== undefined && until !== undefined) push(inner, first, [execution.startedAt, until]);
  }
  const busyMs = usage?.busyMs ?? 0;
  const counted = usage?.calls ?? 0;
  const leastMs = sumOfUnions(inner) - SLACK_PER_STRETCH_MS * stretches(inner);
  const mostMs = sumOfUnions(outer) + nowhereMs + SLACK_PER_STRETCH_MS * stretches(outer);
  const problems: string[] = [];
  if (busyMs < leastMs) problems.push(`${role}: ${busyMs} ms are billed, and it was busy for ${leastMs} ms at least`);
  if (busyMs > mostMs) problems.push(`${role}: ${busyMs} ms are billed, and it was busy for ${mostMs} ms at most`);
  if (counted < ran || counted > ran + nowhere) {
    problems.push(`${role}: ${counted} calls are billed, ${ran} ran, and ${nowhere} others may have`);
  }
  return problems;
}

type Stretch = readonly [fromAt: number, untilAt: number];

/** A cancelled handler may run on after its call is over. */
function seenUntil({ endedAt }: Execution, clientEndedAt: number): number | undefined {
  return endedAt === undefined ? undefined : Math.min(endedAt, clientEndedAt);
}

function push(map: Map<string, Stretch[]>, key: string, stretch: Stretch): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [stretch]);
  else list.push(stretch);
}

function stretches(map: ReadonlyMap<string, readonly Stretch[]>): number {
  return [...map.values()].reduce((sum, list) => sum + list.length, 0);
}

function sumOfUnions(map: ReadonlyMap<string, readonly Stretch[]>): number {
  let sum = 0;
  for (const list of map.values()) {
    let coveredUntil = 0;
    for (const [fromAt, untilAt] of [...list].sort((a, b) => a[0] - b[0])) {
      sum += Math.max(0, untilAt - Math.max(fromAt, coveredUntil));
      coveredUntil = Math.max(coveredUntil, untilAt);
    }
  }
  return sum;
}
