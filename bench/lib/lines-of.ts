import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** The lines that a child prints, one for each call; rejects when it ends instead. */
export function linesOf(child: ChildProcess): () => Promise<string> {
  if (child.stdout === null) throw new Error("The child's stdout is not a pipe");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode}`);
    return value;
  };
}
