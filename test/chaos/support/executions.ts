import type { LogRecord } from "../../../src/client/client.ts";

/** What functions and platform wrote down about one call. */
export interface Execution {
  /** Instances that began to run it, as often as they did. */
  readonly startedOn: string[];
  startedAt: number;
  /** When the function saw its end, by answering or by being cancelled. */
  endedAt: number | undefined;
  /** Times that a function claimed not to have seen it. */
  unseen: number;
}

/** The logs of a run: what functions printed about each call, and how often the end of each request was written. */
export class Executions {
  readonly byId = new Map<string, Execution>();
  /** Lines that tell of a request's end, by request id. */
  readonly endings = new Map<string, number>();
  /** A function printed more than was kept: what is not here may still have happened. */
  droppedLines = false;

  add(record: LogRecord): void {
    if (record.source === "call" || (record.source === "platform" && record.method !== undefined)) {
      const id = record.requestId ?? "";
      this.endings.set(id, (this.endings.get(id) ?? 0) + 1);
    } else if (record.source === "stdout") {
      this.#printed(record);
    } else if (/lines dropped/.test(record.text)) {
      this.droppedLines = true;
    }
  }

  #printed({ text, instanceId, at }: LogRecord): void {
    const [event, id = "", ...rest] = text.split(" ");
    if (event !== "start" && event !== "end" && event !== "cancelled" && event !== "unseen") return;
    const execution = this.byId.get(id) ?? { startedOn: [], startedAt: 0, endedAt: undefined, unseen: 0 };
    this.byId.set(id, execution);
    const printedAt = Number(rest.at(-1) ?? at);
    if (event === "unseen") execution.unseen += 1;
    else if (event !== "start") execution.endedAt = printedAt;
    else {
      execution.startedOn.push(instanceId ?? "somewhere");
      execution.startedAt = printedAt;
    }
  }
}
