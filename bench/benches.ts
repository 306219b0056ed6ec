import type { BenchLength, BenchResult } from "./lib/report.ts";

/** The benchmarks by name. */
export const benches: Readonly<Record<string, () => Promise<{ run(length: BenchLength): Promise<BenchResult> }>>> = {
  "gateway-cpu": () => import("./gateway-cpu.ts"),
  "gateway-latency": () => import("./gateway-latency.ts"),
  "gateway-bytes": () => import("./gateway-bytes.ts"),
  "gateway-memory": () => import("./gateway-memory.ts"),
  "cold-start": () => import("./cold-start.ts"),
  "scale-out": () => import("./scale-out.ts"),
  redeploy: () => import("./redeploy.ts"),
  api: () => import("./api.ts"),
  fleet: () => import("./fleet.ts"),
  abuse: () => import("./abuse.ts"),
  admission: () => import("./admission.ts"),
  policies: () => import("./policies.ts"),
};
