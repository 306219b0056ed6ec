/** A failure that is told to the user in one line: what, why, what to do. Ends the command with exit code 1. */
export class CliError extends Error {
  readonly exitCode: number = 1;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
  }
}

/** Wrong usage of the command line; ends the command with exit code 2. */
export class UsageError extends CliError {
  override readonly exitCode = 2;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UsageError";
  }
}
