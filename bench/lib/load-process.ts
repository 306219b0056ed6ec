import { spawn } from "node:child_process";
import { join } from "node:path";

/** Runs a load generator of this folder in a process of its own; resolves with the JSON that it printed. */
export function runLoad<T>(program: string, work: object, nodeFlags: readonly string[] = []): Promise<T> {
  return new Promise((resolve, reject) => {
    const args = [...nodeFlags, join(import.meta.dirname, program), JSON.stringify(work)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(output) as T);
      else reject(new Error(`the load ${program} ended with ${code}`));
    });
  });
}

/** What `runLoad` gave to this process. */
export function workOf<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** Prints the result and ends this process. */
export function finishLoad(result: unknown): void {
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
