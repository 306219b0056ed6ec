import { GrpcStatus, type InstancePhase, type MainCounts } from "../../model/model.ts";
import type { StatusBoard } from "../status-board.ts";

/** Where the values come from. */
export interface Sources {
  readonly counts: MainCounts;
  readonly board: StatusBoard;
}

/** One value; `of`: that of the metric's label. */
export interface Sample {
  readonly of?: string;
  readonly value: number;
}

export interface Metric {
  readonly type: "counter" | "gauge";
  /** The only label, if there is one. Its values are words of our code, never what a peer sent. */
  readonly label?: string;
  readonly meaning: string;
  read(sources: Sources): readonly Sample[];
}

const MICROSECONDS = 1e6;

/** Every metric, by name; docs/metrics.md is made from it. */
export const METRICS: Readonly<Record<string, Metric>> = {
  sluice_gateway_refusals_total: {
    type: "counter",
    label: "token",
    meaning: "What the gateway refused or ended because a limit or a rule was passed, by token (see limits.md)",
    read: ({ counts }) => samples(counts.refusals),
  },
  sluice_gateway_client_connections: {
    type: "gauge",
    meaning: "Client connections that are open, TLS handshake done",
    read: ({ counts }) => [{ value: counts.clientConnections }],
  },
  sluice_gateway_open_calls: {
    type: "gauge",
    meaning: "Calls that have begun and not ended, those that wait for an instance among them",
    read: ({ counts }) => [{ value: counts.openCalls }],
  },
  sluice_gateway_calls_ended_total: {
    type: "counter",
    label: "grpc_status",
    meaning: "Calls that ended, by grpc-status",
    read: ({ counts }) =>
      Object.entries(GrpcStatus).map(([name, code]) => ({ of: name, value: counts.endedCalls[code] ?? 0 })),
  },
  sluice_gateway_calls_ended_by_platform_total: {
    type: "counter",
    label: "error_type",
    meaning: "Calls that the platform ended, by x-fc-error-type (see errors.md)",
    read: ({ counts }) => samples(counts.platformEndedCalls),
  },
  sluice_instances: {
    type: "gauge",
    label: "phase",
    meaning: "Instances of all functions, by phase",
    read: ({ board }) => {
      const phases: Record<InstancePhase, number> = { starting: 0, ready: 0, frozen: 0, unhealthy: 0, stopping: 0 };
      for (const { phase } of board.instances()) phases[phase] += 1;
      return samples(phases);
    },
  },
  sluice_reports_dropped_total: {
    type: "counter",
    meaning: "Log lines and records of calls that were dropped because the control plane did not take them",
    read: ({ counts }) => [{ value: counts.droppedReports }],
  },
  process_resident_memory_bytes: {
    type: "gauge",
    meaning: "Memory of Sluice's main process: gateway, scheduler and control plane, without instances",
    read: () => [{ value: process.memoryUsage.rss() }],
  },
  process_cpu_seconds_total: {
    type: "counter",
    meaning: "CPU time of that process, user and system",
    read: () => {
      const { user, system } = process.cpuUsage();
      return [{ value: (user + system) / MICROSECONDS }];
    },
  },
};

function samples(values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([of, value]) => ({ of, value }));
}
