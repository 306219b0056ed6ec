import type { Context } from "./context.ts";

/** One option of a command, in commander's notation. */
export interface OptionDefinition {
  /** For instance `-t, --template <file>`; the value arrives under the long name in camel case. */
  readonly flags: string;
  /** Ends with the default where there is one. */
  readonly description: string;
  /**
   * Turns the text into the value; throws a UsageError that says what is expected. `previous` is the value so far of
   * a flag that may come several times.
   */
  readonly parse?: (text: string, previous: unknown) => unknown;
}

/** A command as its file defines it; `Options` are the values of its options by their long names. */
export interface CommandDefinition<Options> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Positional arguments in commander's notation, `<needed>` and `[optional]`. */
  readonly arguments?: readonly string[];
  readonly options: readonly OptionDefinition[];
  /** Lines under the help, for what the options' lines cannot say. */
  readonly details?: string;
  /** Returns the exit code where it is not 0; throws a CliError for what the user has to know. */
  run(context: Context, positional: readonly (string | undefined)[], options: Options): Promise<number | undefined>;
}

/** A command, whatever its options are. */
export type Command = CommandDefinition<unknown>;

/** Makes a Command of a definition. The options' type holds by the definition's own list of options. */
export function command<Options>(definition: CommandDefinition<Options>): Command {
  return {
    ...definition,
    run: (context, positional, options) => definition.run(context, positional, options as Options),
  };
}
