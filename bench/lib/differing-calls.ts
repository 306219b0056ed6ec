import { runLoad } from "./load-process.ts";

export interface DifferingLoad {
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: Buffer;
}

/**
 * Calls made and answered with grpc-status 0, each with a grpc-timeout and a traceparent of its own, as real clients
 * send them (h2load sends the same headers with every request). Any other answer voids the run: it throws.
 */
export function callsOf(load: DifferingLoad): Promise<number> {
  return runLoad("differing-calls-main.ts", { ...load, body: load.body.toString("base64") });
}
