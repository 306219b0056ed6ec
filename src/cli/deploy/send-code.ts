/** Sending packed code: small packages within the request for their function, large ones beforehand and by themselves. */
import { sleep } from "../../base/base.ts";
import { ApiError, type Client, type FunctionDocument, UNREACHABLE } from "../../client/client.ts";
import { type Context, note } from "../context.ts";
import type { PackedCode } from "./packed-code.ts";

/** Packages above this size are sent by themselves, as Serverless Devs does (it sends them to OSS). */
const BY_ITSELF_ABOVE_BYTES = 50 * 1024 ** 2;
/** Waits before another attempt where the connection broke. */
const RETRY_WAITS_MS = [500, 2000, 5000];
/** Changes of the line that shows how far it is. */
const PROGRESS_STEPS = 100;

/** What a function's document says of its code. `name` is shown. */
export async function codeDocument(
  code: PackedCode,
  name: string,
  client: Client,
  context: Context,
): Promise<FunctionDocument["code"]> {
  if (code.sizeBytes <= BY_ITSELF_ABOVE_BYTES) return { zipFile: (await code.bytes()).toString("base64") };
  if ((await client.findPackage(code.sha256)) === undefined) await upload(code, name, client, context);
  return { packageId: code.sha256 };
}

async function upload(code: PackedCode, name: string, client: Client, context: Context): Promise<void> {
  const progress = new Progress(context, name, code.sizeBytes);
  const abort = new AbortController();
  const interrupted = (signal: NodeJS.Signals) => {
    abort.abort();
    progress.interrupt("stopped: nothing of it is kept");
    process.kill(process.pid, signal);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    await putWithRetries(code, client, context, progress, abort.signal);
    progress.end();
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
}

async function putWithRetries(
  code: PackedCode,
  client: Client,
  context: Context,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { sizeBytes, sha256 } = code;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const onProgress = (sentBytes: number) => progress.show(sentBytes);
      await client.putPackage({ open: () => code.open(), sizeBytes, sha256, onProgress }, signal);
      return;
    } catch (error) {
      const waitMs = RETRY_WAITS_MS[attempt];
      const isBroken = error instanceof ApiError && error.code === UNREACHABLE;
      progress.interrupt(isBroken ? `broke off: ${error.message}` : "refused");
      if (!isBroken || waitMs === undefined) throw error;
      note(context, `  once more in ${waitMs / 1000} s (attempt ${attempt + 2} of ${RETRY_WAITS_MS.length + 1})`);
      await sleep(context.clock, waitMs, signal);
      // It may have arrived whole, and only the answer not.
      const there = await client.findPackage(sha256).catch(() => undefined);
      if (there !== undefined) return;
    }
  }
}

/** One line that changes on a terminal; elsewhere one when it begins. */
class Progress {
  readonly #context: Context;
  readonly #title: string;
  readonly #sizeBytes: number;
  #step = -1;

  constructor(context: Context, name: string, sizeBytes: number) {
    this.#context = context;
    this.#title = `Uploading ${name} (${Math.ceil(sizeBytes / 1024 ** 2)} MB)`;
    this.#sizeBytes = sizeBytes;
    if (!this.#isTerminal) note(context, this.#title);
  }

  get #isTerminal(): boolean {
    return this.#context.stderr.isTTY === true;
  }

  show(sentBytes: number): void {
    const step = Math.floor((sentBytes / this.#sizeBytes) * PROGRESS_STEPS);
    if (!this.#isTerminal || step === this.#step) return;
    this.#step = step;
    this.#context.stderr.write(`\r${this.#title}: ${step} %`);
  }

  interrupt(why: string): void {
    this.#context.stderr.write(this.#isTerminal ? `\r${this.#title}: ${why}\n` : `  ${why}\n`);
  }

  end(): void {
    if (this.#isTerminal) this.#context.stderr.write(`\r${this.#title}: done\n`);
  }
}
