import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ControlUnderTest, credentials, endpoint, withControl } from "../../control/testing/control-under-test.ts";
import type { Context } from "../context.ts";
import { type CommandRun, runCommand } from "./run-command.ts";

/** A control plane with nothing behind it, and commands that find it. */
export interface PlatformUnderTest extends ControlUnderTest {
  /** Runs `sluice ARGS` against it; the working directory is a folder of its own. */
  run(args: readonly string[], change?: Partial<Context>): Promise<CommandRun>;
  /** Writes a file into that folder; gives its path. */
  write(name: string, text: string | Buffer, mode?: number): Promise<string>;
}

export interface PlatformOptions {
  /** Port in the URLs of functions. */
  readonly grpcPort?: number;
  readonly caFile?: string;
}

/** Runs `work` with such a platform, then closes it. */
export function withPlatform(
  work: (platform: PlatformUnderTest) => Promise<void>,
  options: PlatformOptions = {},
): Promise<void> {
  const { grpcPort = endpoint.grpcPort, caFile } = options;
  return withControl(
    async (control) => {
      const env = {
        SLUICE_ENDPOINT: control.url,
        SLUICE_ACCOUNT_ID: credentials.accountId,
        SLUICE_ACCESS_KEY_ID: credentials.accessKeyId,
        SLUICE_ACCESS_KEY_SECRET: credentials.accessKeySecret,
        SLUICE_CA_FILE: caFile,
      };
      await work({
        ...control,
        run: (args, change = {}) =>
          runCommand(args, { cwd: control.dataDir, ...change, env: { ...env, ...change.env } }),
        write: async (name, text, mode = 0o644) => {
          const path = join(control.dataDir, name);
          await writeFile(path, text, { mode });
          return path;
        },
      });
    },
    { change: { endpoint: { ...endpoint, grpcPort } } },
  );
}
