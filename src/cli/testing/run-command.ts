import { systemClock } from "../../base/base.ts";
import { runCli } from "../cli.ts";
import type { Context } from "../context.ts";

/** What a command did. */
export interface CommandRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sluice ARGS` in this process, with an environment of its own that holds only PATH and what is given. */
export async function runCommand(args: readonly string[], change: Partial<Context> = {}): Promise<CommandRun> {
  let stdout = "";
  let stderr = "";
  const context: Context = {
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    cwd: process.cwd(),
    home: "/nonexistent",
    hostsFile: "/nonexistent",
    clock: systemClock,
    ...change,
    env: { PATH: process.env["PATH"], ...change.env },
  };
  const code = await runCli(args, context);
  return { code, stdout, stderr };
}
