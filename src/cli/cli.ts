/**
 * Front door of src/cli: takes a command line, runs the one command that it names, and gives the exit code: 0, 1 for
 * a failure, 2 for wrong usage. Every failure is one line on stderr.
 */
import { CommanderError, InvalidArgumentError, Option, Command as Program } from "commander";
import { ApiError, isLoopback, UNREACHABLE, UNTRUSTED } from "../client/client.ts";
import { CliError, UsageError } from "./cli-error.ts";
import type { Command, OptionDefinition } from "./command.ts";
import type { Context } from "./context.ts";
import { commands } from "./registry.ts";
import { sluiceCommand } from "./sluice-command.ts";
import { version } from "./version.ts";

export { type Context, processContext } from "./context.ts";

/** Runs `sluice ARGS` and resolves to its exit code; never rejects. */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  let exitCode = 0;
  const program = new Program("sluice")
    .description("Serverless gRPC functions on your own machines")
    .version(version(), "-V, --version", "print the version")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(`sluice: ${oneLine(text)}\n`),
    });
  for (const command of commands) {
    addCommand(program, command, async (positional, options) => {
      exitCode = (await command.run(context, positional, options)) ?? 0;
    });
  }
  try {
    if (args.length === 0) program.help();
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, context);
  }
}

function addCommand(
  program: Program,
  command: Command,
  run: (positional: (string | undefined)[], options: unknown) => Promise<void>,
): void {
  const added = program.command(command.name).summary(command.summary).description(command.summary);
  for (const argument of command.arguments ?? []) added.argument(argument);
  for (const option of command.options) added.addOption(commanderOption(option));
  if (command.details !== undefined) added.addHelpText("after", `\n${command.details}`);
  const argumentCount = command.arguments?.length ?? 0;
  added.action((...values: unknown[]) => run(values.slice(0, argumentCount) as (string | undefined)[], added.opts()));
}

function commanderOption(definition: OptionDefinition): Option {
  const option = new Option(definition.flags, definition.description);
  const parse = definition.parse;
  if (parse !== undefined) {
    option.argParser((text: string, previous: unknown) => {
      try {
        return parse(text, previous);
      } catch (error) {
        if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
        throw error;
      }
    });
  }
  return option;
}

/** Says what went wrong and gives the exit code. */
function report(error: unknown, context: Context): number {
  // Help and version end by an error of code 0; wrong usage has been told by `outputError`.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const thrown = error instanceof Error ? error : new Error(String(error));
  if (context.env["SLUICE_DEBUG"] === "1") context.stderr.write(`${thrown.stack ?? thrown.message}\n`);
  context.stderr.write(`sluice: ${oneLine(thrown.message)}${adviceOn(thrown, context)}\n`);
  return thrown instanceof CliError ? thrown.exitCode : 1;
}

/** What to do about an error that knows nothing of the command line. */
function adviceOn(error: Error, context: Context): string {
  if (!(error instanceof ApiError)) return "";
  if (error.code === UNTRUSTED) return "";
  if (error.code === UNREACHABLE) return whereToStart(context);
  return error.requestId === "" ? ` (${error.code})` : ` (${error.code}, request ${error.requestId})`;
}

function whereToStart(context: Context): string {
  const url = context.env["SLUICE_ENDPOINT"] ?? "";
  if (URL.canParse(url) && !isLoopback(new URL(url).hostname)) {
    return ": does Sluice run there with --api-host, and does no firewall stand between?";
  }
  return `: is it running? Start it with '${sluiceCommand(context)} start'`;
}

/** Commander says "error: ..." and suggests on a line of its own; a CliError may carry several lines only at its end. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replaceAll("\n(Did", " (Did");
}
