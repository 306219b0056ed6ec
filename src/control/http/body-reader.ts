/** Reads the bodies of requests: small ones into memory, zips to disk as they arrive. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { INVOCATION_BODY_MAX_BYTES } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import type { CodePackages } from "../code/code-packages.ts";
import { ZIP_IN_BODY_MAX_BYTES, ZIP_UPLOAD_MAX_BYTES } from "../code/limits.ts";
import type { ReceivedZip, ZipReceiver } from "../code/received-zip.ts";
import { Base64Decoder } from "./base64-decoder.ts";
import { BodyCheck, type SignedBody } from "./body-check.ts";
import { JsonSplitter } from "./json-splitter.ts";

/** Bodies without a code package, and what a body holds beside one. */
const JSON_MAX_BYTES = 1024 ** 2;
/** Escapes may make each character of base64 six; nobody escapes more than `/`, `+` and `=`: a quarter more is plenty. */
const JSON_WITH_ZIP_MAX_BYTES = Math.ceil(ZIP_IN_BODY_MAX_BYTES / 3) * 5 + JSON_MAX_BYTES;
/** All bodies in memory that are being read or worked on, together. */
const IN_MEMORY_MAX_BYTES = 256 * 1024 ** 2;
/** Zips that are being read or unpacked. */
const ZIPS_AT_ONCE_MAX = 16;
/** Without a byte for so long a body has ended. */
const IDLE_TIMEOUT_MS = 60_000;

/** What a request's body is: JSON, an event, JSON with a zip as base64 at `code.zipFile`, or a zip. */
export type BodyKind = "json" | "event" | "function" | "zip";

/** A body that was read whole and is the one that was signed. Dispose of it when the request is answered. */
export interface ReadBody extends AsyncDisposable {
  /** Without `code.zipFile`, which is an empty text here; of a zip nothing. */
  readonly bytes: Buffer;
  readonly zip?: ReceivedZip | undefined;
}

export interface BodyToRead {
  readonly kind: BodyKind;
  readonly signed: SignedBody;
}

/** The two halves of an exchange, as far as a body needs them. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: Pick<ServerResponse, "writeContinue">;
}

export class BodyReader {
  readonly #packages: CodePackages;
  readonly #inMemoryMaxBytes: number;
  readonly #zipsAtOnceMax: number;
  #inMemoryBytes = 0;
  #zipCount = 0;

  constructor(packages: CodePackages, inMemoryMaxBytes = IN_MEMORY_MAX_BYTES, zipsAtOnceMax = ZIPS_AT_ONCE_MAX) {
    this.#packages = packages;
    this.#inMemoryMaxBytes = inMemoryMaxBytes;
    this.#zipsAtOnceMax = zipsAtOnceMax;
  }

  /** Reads to the end and compares with the hashes that were signed. Rejects with an ApiError or a PackageError; then nothing is kept. */
  async read(exchange: Exchange, { kind, signed }: BodyToRead): Promise<ReadBody> {
    await using cleanUp = new AsyncDisposableStack();
    const sizeMaxBytes = kind === "event" ? INVOCATION_BODY_MAX_BYTES : JSON_MAX_BYTES;
    const rest = cleanUp.use(new GatheredBytes(sizeMaxBytes, (bytes) => this.#account(bytes)));
    if (kind === "json" || kind === "event") {
      await readSigned(exchange, signed, sizeMaxBytes, (bytes) => rest.add(bytes));
      const kept = cleanUp.move();
      return { bytes: rest.whole(), [Symbol.asyncDispose]: () => kept.disposeAsync() };
    }
    cleanUp.defer(this.#countZip());
    const zip = kind === "zip" ? await this.#readZip(exchange, signed) : await this.#readSplit(exchange, signed, rest);
    if (zip !== undefined) cleanUp.use(zip);
    const kept = cleanUp.move();
    return { bytes: rest.whole(), zip, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  }

  async #readZip(exchange: Exchange, signed: SignedBody): Promise<ReceivedZip> {
    refuseLarge(exchange.incoming, ZIP_UPLOAD_MAX_BYTES);
    await using receiver = await this.#packages.receive(ZIP_UPLOAD_MAX_BYTES, announcedBytes(exchange.incoming));
    await readSigned(exchange, signed, ZIP_UPLOAD_MAX_BYTES, (bytes) => receiver.write(bytes));
    return await receiver.finish();
  }

  async #readSplit(exchange: Exchange, signed: SignedBody, rest: GatheredBytes): Promise<ReceivedZip | undefined> {
    const splitter = new JsonSplitter(["code", "zipFile"]);
    const decoder = new Base64Decoder("code.zipFile");
    const zipBytesMax = Math.ceil((announcedBytes(exchange.incoming) * 3) / 4);
    await using receivers = new AsyncDisposableStack();
    let receiver: ZipReceiver | undefined;
    await readSigned(exchange, signed, JSON_WITH_ZIP_MAX_BYTES, async (bytes) => {
      for (const piece of splitter.push(bytes)) {
        if (piece.kind === "rest") rest.add(piece.bytes);
        else {
          receiver ??= receivers.use(await this.#packages.receive(ZIP_IN_BODY_MAX_BYTES, zipBytesMax));
          await receiver.write(decoder.push(piece.text));
        }
      }
    });
    await receiver?.write(decoder.end());
    return await receiver?.finish();
  }

  /** Adds to what is in memory (a negative number takes away). Throws where that is too much. */
  #account(bytes: number): void {
    if (this.#inMemoryBytes + bytes > this.#inMemoryMaxBytes) {
      throw new ApiError("ResourceThrottled", "Too many requests with large bodies at once: try again soon");
    }
    this.#inMemoryBytes += bytes;
  }

  #countZip(): () => void {
    if (this.#zipCount >= this.#zipsAtOnceMax) {
      throw new ApiError("ResourceThrottled", "Too many large uploads at once: try again when they are done");
    }
    this.#zipCount += 1;
    return () => {
      this.#zipCount -= 1;
    };
  }
}

/** Bytes in memory, accounted for until it is disposed of. */
class GatheredBytes implements Disposable {
  readonly #sizeMaxBytes: number;
  readonly #account: (bytes: number) => void;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(sizeMaxBytes: number, account: (bytes: number) => void) {
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#account = account;
  }

  add(bytes: Buffer): void {
    if (this.#sizeBytes + bytes.length > this.#sizeMaxBytes) throw tooLarge(this.#sizeMaxBytes);
    this.#account(bytes.length);
    this.#sizeBytes += bytes.length;
    this.#chunks.push(bytes);
  }

  whole(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  [Symbol.dispose](): void {
    this.#account(-this.#sizeBytes);
    this.#sizeBytes = 0;
    this.#chunks = [];
  }
}

async function readSigned(
  { incoming, outgoing }: Exchange,
  signed: SignedBody,
  sizeMaxBytes: number,
  take: (bytes: Buffer) => void | Promise<void>,
): Promise<void> {
  refuseLarge(incoming, sizeMaxBytes);
  goOn({ incoming, outgoing });
  const check = new BodyCheck(signed);
  let sizeBytes = 0;
  try {
    incoming.setTimeout(IDLE_TIMEOUT_MS, () => incoming.destroy(new Error(`no byte for ${IDLE_TIMEOUT_MS / 1000} s`)));
    // Not destroyed where it is refused half-way: the answer goes over the same connection.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > sizeMaxBytes) throw tooLarge(sizeMaxBytes);
      check.update(chunk);
      await take(chunk);
    }
  } catch (error) {
    if (incoming.errored === error) throw new ApiError("InvalidArgument", "The body ended early", { cause: error });
    throw error;
  } finally {
    incoming.setTimeout(0);
  }
  check.end();
}

/** RFC 9110 §10.1.1: what is refused before this is not even sent by a client that asks. */
export function goOn({ incoming, outgoing }: Exchange): void {
  if (incoming.headers.expect?.toLowerCase() === "100-continue") outgoing.writeContinue();
}

/** What the head says of the body's length; 0 where it says nothing. */
function announcedBytes(incoming: IncomingMessage): number {
  return Number(incoming.headers["content-length"] ?? 0);
}

function refuseLarge(incoming: IncomingMessage, sizeMaxBytes: number): void {
  if (announcedBytes(incoming) > sizeMaxBytes) throw tooLarge(sizeMaxBytes);
}

function tooLarge(sizeMaxBytes: number): ApiError {
  return new ApiError("EntityTooLarge", `payload size exceeds maximum allowed size (${sizeMaxBytes} bytes)`);
}
