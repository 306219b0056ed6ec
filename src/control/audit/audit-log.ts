/**
 * Who changed what through the API, as JSON Lines: a line for each request other than a read that an access key signed,
 * also where it was refused; a backup, which reads all secrets, has one too. What no key signed is left out: a flood of it would push the rest out of the files.
 */
import type { Logger } from "../../base/base.ts";
import type { AuditRecord } from "../../model/model.ts";
import { LOG_LIMITS, LogFile, type LogLimits } from "../logs/log-file.ts";
import { linesOf } from "../logs/past-lines.ts";

export class AuditLog {
  readonly #file: LogFile;

  /** Rotated as functions' logs are. */
  constructor(path: string, logger: Logger, limits: LogLimits = LOG_LIMITS) {
    this.#file = new LogFile(path, limits, (count, reason) =>
      logger.error("Lines of the audit log are lost", { path, count, reason }),
    );
  }

  /** Resolves when the line is handed to the system, or lost, which Sluice's own log then says. */
  async add(record: AuditRecord): Promise<void> {
    this.#file.append(`${JSON.stringify(record)}\n`, 1);
    await this.#file.flush();
  }

  /** The last records, oldest first. */
  async last(count: number): Promise<AuditRecord[]> {
    const unheard = () => {};
    const past = await this.#file.attach(unheard);
    this.#file.detach(unheard);
    const lines: string[] = [];
    for await (const line of linesOf(past)) {
      lines.push(line);
      if (lines.length > count) lines.shift();
    }
    await Promise.all(past.files.map(({ handle }) => handle.close()));
    return lines.map(parsed).filter((record) => record !== undefined);
  }
}

/** Undefined for a line that a crash left half written. */
function parsed(line: string): AuditRecord | undefined {
  try {
    return JSON.parse(line) as AuditRecord;
  } catch {
    return undefined;
  }
}
