import { spawn } from "node:child_process";

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
  const program = new URL("./differing-calls-main.ts", import.meta.url).pathname;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify({ ...load, body: load.body.toString("base64") })], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Number(output));
      else reject(new Error(`the load ended with ${code}`));
    });
  });
}
