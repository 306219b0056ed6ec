/** Fields of a log line: flat, plain data. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Sluice's own log (not the log of functions). `error` fields named `error` are written with their stack. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
