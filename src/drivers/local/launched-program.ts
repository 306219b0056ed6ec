/** The program of an instance as its launcher hands it over, whoever runs it: a child process, or a container engine. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

export interface LaunchedProgram {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, never rejects, when it has ended. */
  readonly ended: Promise<Ending>;
  /** Resolves, never rejects, when its output has been read to the end as well. */
  readonly closed: Promise<void>;
}

/** How it ended, as whoever ran it says. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it never ran. */
  readonly failure?: string;
}

export function childProgram(child: ChildProcess): LaunchedProgram {
  const ended = new Promise<Ending>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    // Without a pid there will be no exit event: the system could not make another process.
    child.on("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, failure: error.message });
    });
  });
  const closed = once(child, "close").then(
    () => {},
    () => {},
  );
  return { stdout: child.stdout!, stderr: child.stderr!, ended, closed };
}
