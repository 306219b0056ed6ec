import { join, resolve } from "node:path";
import type { Context } from "./context.ts";

/** The data directory that is meant: `--data`, `SLUICE_DATA`, or `~/.sluice`. Absolute. */
export function dataDirectory(context: Context, flag: string | undefined): string {
  const named = flag ?? context.env["SLUICE_DATA"];
  return named ? resolve(context.cwd, named) : join(context.home, ".sluice");
}
