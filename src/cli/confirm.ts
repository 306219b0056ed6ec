import { CliError, UsageError } from "./cli-error.ts";
import type { Context } from "./context.ts";

export interface Question {
  /** What -y would answer, for where nobody can be asked: `this would remove a/b`. */
  readonly would: string;
  /** `Remove a/b?` */
  readonly question: string;
  /** What is said after a no: `nothing was removed`. */
  readonly declined: string;
}

/** Goes on after a yes. Throws a UsageError where nobody can be asked, a CliError after a no. */
export async function confirm(context: Context, { would, question, declined }: Question): Promise<void> {
  if (!process.stdin.isTTY || context.stderr.isTTY !== true) {
    throw new UsageError(`${would}: say -y where nobody can be asked`);
  }
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(declined);
}
