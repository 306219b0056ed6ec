/**
 * The last step of a start: a small script that /bin/sh reads from its standard input when it has already become the
 * function's uid. The function's environment is set only there. Were it set earlier, then a LD_PRELOAD of the function
 * would be loaded into the programs that run before as root; and as arguments, its values would be readable for every
 * user of the machine in /proc/PID/cmdline.
 */
import { randomBytes } from "node:crypto";
import { OPEN_FILES_MAX } from "./limits.ts";
import { commandLine, quote } from "./shell-words.ts";

/** Names that mean something to the shell itself, so that `export` would fail or change how it reads the rest. */
const SHELL_NAMES: ReadonlySet<string> = new Set(["IFS", "OPTIND", "PPID", "PWD", "OLDPWD", "LINENO", "UID", "EUID"]);

/** As many as may be, or as the host allows: what is over its hard limit is refused. */
const OPEN_FILES = `ulimit -n ${OPEN_FILES_MAX} 2>/dev/null || ulimit -n "$(ulimit -Hn)"`;

/**
 * The script: no core dumps, soft and hard limit of open files, the environment, then the program with an empty standard
 * input in place of the shell.
 */
export function programScript(environment: Readonly<Record<string, string>>, command: readonly string[]): string {
  const lines = ["ulimit -c 0", OPEN_FILES];
  const viaEnv: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELL_NAMES.has(name)) lines.push(`export ${name}=${quote(value)}`);
    else viaEnv.push(`${name}=${value}`);
  }
  const words = viaEnv.length === 0 ? command : ["/usr/bin/env", ...viaEnv, ...command];
  lines.push(`exec ${commandLine(words)} </dev/null`);
  return `${lines.join("\n")}\n`;
}

export interface ShellInput {
  readonly descriptor: number;
  /** Ends in a line end. */
  readonly text: string;
}

/**
 * `command` with texts to read from descriptors, as shell text (here-documents). The mark that ends a text cannot be
 * foreseen, so that no value of an environment can end it early and have the rest read as commands.
 */
export function inputs(command: string, texts: readonly ShellInput[]): string {
  const mark = `END_${randomBytes(16).toString("hex")}`;
  const redirections = texts.map(({ descriptor }) => ` ${descriptor}<<'${mark}'`);
  return `${command}${redirections.join("")}\n${texts.map(({ text }) => `${text}${mark}\n`).join("")}`;
}
