import { execFile } from "node:child_process";
import { TOOL_PATH } from "../../../src/drivers/host/find-tool.ts";

/** Runs a program to its end; what it printed. Rejects with the program's own words. */
export function runTool(
  tool: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const environment = { PATH: TOOL_PATH, LC_ALL: "C" };
    const child = execFile(
      tool,
      [...args],
      { ...(options.cwd === undefined ? {} : { cwd: options.cwd }), env: environment, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${tool} failed: ${stderr.trim() || error.message}`));
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
