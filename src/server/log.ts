import { join } from "node:path";
import pino from "pino";
import type { LogFields, Logger } from "../base/base.ts";

/** A log that can be ended: what was logged is written then. */
export interface ClosableLogger extends Logger {
  close(): void;
}

/** Sluice's own log: JSON Lines in `DIR/sluice.log`, and what is worth a look at once also as a line on stderr. */
export function openLog(directory: string): ClosableLogger {
  const destination = pino.destination({ dest: join(directory, "sluice.log"), sync: false, mkdir: false });
  // A full disk must not end the process: lines are lost then, calls go on.
  destination.on("error", () => {});
  const file = pino({ base: null, level: "info", serializers: { error: pino.stdSerializers.err } }, destination);
  return {
    debug: (message, fields) => file.debug(fields ?? {}, message),
    info: (message, fields) => file.info(fields ?? {}, message),
    warn(message, fields) {
      file.warn(fields ?? {}, message);
      process.stderr.write(line("warning", message, fields));
    },
    error(message, fields) {
      file.error(fields ?? {}, message);
      process.stderr.write(line("error", message, fields));
    },
    close: () => destination.flushSync(),
  };
}

function line(level: string, message: string, fields: LogFields = {}): string {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name}=${value instanceof Error ? value.message : value}`,
  );
  return `sluice: ${level}: ${[message, ...words].join(" ")}\n`;
}
