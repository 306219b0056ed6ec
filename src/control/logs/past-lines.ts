import { createInterface } from "node:readline";
import { type LogRecord, parseLogLine } from "../../model/model.ts";
import type { PastLog } from "./log-file.ts";

/** The records of several functions' files in the order of time, reading as it goes. Closes the files at its end. */
export async function* mergedPast(pasts: readonly PastLog[]): AsyncGenerator<LogRecord> {
  const sources = pasts.map((past) => recordsOf(past));
  try {
    const heads = await Promise.all(sources.map(async (source) => ({ source, record: (await source.next()).value })));
    for (;;) {
      let first: { source: AsyncGenerator<LogRecord, undefined>; record: LogRecord | undefined } | undefined;
      for (const head of heads) {
        if (head.record !== undefined && (first?.record === undefined || head.record.at < first.record.at))
          first = head;
      }
      if (first?.record === undefined) return;
      yield first.record;
      first.record = (await first.source.next()).value;
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
    await Promise.all(pasts.flatMap(({ files }) => files.map(({ handle }) => handle.close())));
  }
}

async function* recordsOf(past: PastLog): AsyncGenerator<LogRecord, undefined> {
  for await (const line of linesOf(past)) {
    const record = parseLogLine(line);
    if (record !== undefined) yield record;
  }
  return undefined;
}

/** The lines of one log, oldest first, reading as it goes. Closes no file. */
export async function* linesOf({ files }: PastLog): AsyncGenerator<string> {
  for (const { handle, sizeBytes } of files) {
    if (sizeBytes === 0) continue;
    const input = handle.createReadStream({ start: 0, end: sizeBytes - 1, autoClose: false });
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  }
}
