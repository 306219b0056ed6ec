import { homedir } from "node:os";
import { type Clock, systemClock } from "../base/base.ts";

/** What a command has of the world around it; tests give their own. */
export interface Context {
  /** Results: text for people, or with `--json` exactly one JSON document. */
  readonly stdout: TextSink;
  /** Progress, notes and errors. */
  readonly stderr: TextSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the command line begin. */
  readonly cwd: string;
  /** The user's home, for the default data directory. */
  readonly home: string;
  /** The file that `sluice hosts --write` changes. */
  readonly hostsFile: string;
  readonly clock: Clock;
}

export interface TextSink {
  write(text: string): unknown;
  /** Whether a person reads it. */
  readonly isTTY?: boolean | undefined;
}

/** The context of this process. */
export function processContext(): Context {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    hostsFile: "/etc/hosts",
    clock: systemClock,
  };
}

/** Writes one line of progress or a note to stderr. */
export function note(context: Context, line: string): void {
  context.stderr.write(`${line}\n`);
}

/** Writes a command's result: `document` as JSON where `--json` was given, else what `text` makes of it. */
export function printResult(context: Context, json: boolean | undefined, document: unknown, text: () => string): void {
  if (json) {
    context.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const lines = text();
  if (lines !== "") context.stdout.write(lines.endsWith("\n") ? lines : `${lines}\n`);
}
