/** ip(8) with several commands at once: one process for all of them. */
import { execFile } from "node:child_process";
import { TOOL_PATH } from "../host/find-tool.ts";

/**
 * Runs them in the network namespace of process `pid`, or in ours. Those after one that fails are not run; then it
 * rejects with ip's words.
 */
export function ipBatch(commands: readonly string[], pid?: number): Promise<void> {
  const within = pid === undefined ? [] : ["nsenter", `--net=/proc/${pid}/ns/net`];
  const [program = "", ...rest] = [...within, "ip", "-batch", "-"];
  return new Promise((resolve, reject) => {
    const child = execFile(program, rest, { env: { PATH: TOOL_PATH } }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`a network link cannot be made: ${stderr.trim() || error.message}`));
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(`${commands.join("\n")}\n`);
  });
}
