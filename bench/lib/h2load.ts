import { spawn } from "node:child_process";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  readonly path: string;
  /** File with the request body: one length-prefixed message. */
  readonly bodyFile: string;
  /** Bytes of a right answer's body: a wrong or failed call has others. */
  readonly answerBytes: number;
  /** The client's windows, of streams and of connections, as powers of two; its own default where absent. */
  readonly windowBits?: number;
  /** More headers, `name: value`. */
  readonly headers?: readonly string[];
}

/** Calls made and answered rightly, with nghttp2's h2load. A failed call voids the run: it throws. */
export async function h2load(load: Load): Promise<number> {
  const args = [
    `--duration=${load.seconds}`,
    `--clients=${load.connections}`,
    `--max-concurrent-streams=${load.streams}`,
    "--threads=1",
    `--data=${load.bodyFile}`,
    "--header=content-type: application/grpc",
    "--header=te: trailers",
    ...(load.headers ?? []).map((header) => `--header=${header}`),
    ...(load.windowBits === undefined
      ? []
      : [`--window-bits=${load.windowBits}`, `--connection-window-bits=${load.windowBits}`]),
    `https://127.0.0.1:${load.port}${load.path}`,
  ];
  const output = await outputOf("h2load", args);
  const requests = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
  const data = /\((\d+)\) data/.exec(output);
  if (requests === null || data === null) throw new Error(`h2load said something else:\n${output}`);
  const [succeeded, failed, errored, timeout] = requests.slice(1).map(Number) as [number, number, number, number];
  if (failed + errored + timeout > 0) throw new Error(`h2load: ${requests[0]}`);
  const answered = Number(data[1]) / load.answerBytes;
  // Calls that were under way when time was up have sent some of their data already.
  const underWay = load.connections * load.streams;
  if (answered < succeeded || answered > succeeded + underWay) {
    throw new Error(`h2load: ${succeeded} calls, but ${data[1]} bytes of answers: some were not OK`);
  }
  return succeeded;
}

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}
