import { statusOfResetCode } from "../grpc/grpc.ts";
import { ErrorCode, type HeaderList, type Stream, type StreamFault, type StreamHandler } from "../h2/h2.ts";
import { fault, GrpcStatus } from "../model/model.ts";
import type { ScheduledInstance } from "../scheduler/scheduler.ts";
import type { Call } from "./call.ts";
import type { InstanceLink } from "./instance-link.ts";

/** A function that cancels this close to the client's deadline did so because of it (grpc-go and others do). */
const DEADLINE_SLACK_MS = 50;

/** Tokens of streams that ended with their connection, by no fault of HTTP/2's. */
const LOST_CONNECTION = new Set(["connection_lost", "connection_destroyed"]);

/**
 * A call's stream to an instance. It holds the slot and the busy time, both from the head being written to the
 * stream's end, and tells its call what the instance answers. A call that is sent again gets a new leg.
 */
export class ResponseLeg implements StreamHandler {
  readonly #call: Call;
  readonly #instance: ScheduledInstance<InstanceLink>;
  readonly #link: InstanceLink;
  #stream: Stream | undefined = undefined;
  #sentBytes = 0;
  /** The call has ended or goes on with another leg: whatever comes is dropped. */
  #detached = false;

  constructor(call: Call, instance: ScheduledInstance<InstanceLink>) {
    this.#call = call;
    this.#instance = instance;
    this.#link = instance.link;
  }

  /** Writes the head to the instance: from here the call is busy there. `nowMs`: the time; `isReplay`: it was sent before. */
  open(head: HeaderList, endStream: boolean, nowMs: number, isReplay: boolean): void {
    try {
      this.#link.meter.begin(nowMs, isReplay ? 0 : 1);
    } catch (error) {
      this.#instance.release();
      throw error;
    }
    try {
      this.#stream = this.#link.request(head, endStream, this, this.#call.controlPath);
    } catch (error) {
      this.closed();
      throw error;
    }
  }

  send(chunk: Buffer, endStream: boolean): void {
    this.#stream?.data(chunk, endStream);
  }

  sendTrailers(headers: HeaderList): void {
    this.#stream?.trailers(headers);
  }

  /** See Stream; -1 and 0 before it was opened. */
  get stalledPeriods(): number {
    return this.#stream?.stalledPeriods ?? -1;
  }

  get queuedBytes(): number {
    return this.#stream?.queuedBytes ?? 0;
  }

  /** The client took `bytes` of the response. */
  consumed(bytes: number): void {
    this.#stream?.consumed(bytes);
  }

  /** The call is over for the platform or the client: the instance is told to stop. */
  abandon(): void {
    this.#detached = true;
    this.#stream?.reset(ErrorCode.CANCEL);
  }

  /** The response is complete. Where the request is not, the instance shall wait for no more of it. */
  finish(requestEnded: boolean): void {
    this.#detached = true;
    this.#link.answered();
    if (!requestEnded) this.#stream?.reset(ErrorCode.CANCEL);
  }

  // ---- the instance's stream

  headers(headers: HeaderList, endStream: boolean): void {
    if (!this.#detached) this.#call.responseHead(headers, endStream);
  }

  data(chunk: Buffer, endStream: boolean): void {
    if (this.#detached) this.#stream?.consumed(chunk.length);
    else this.#call.responseData(chunk, endStream);
  }

  trailers(headers: HeaderList): void {
    if (!this.#detached) this.#call.responseTrailers(headers);
  }

  reset(code: ErrorCode, unprocessed: boolean, streamFault: StreamFault | undefined): void {
    if (this.#detached) return;
    if (unprocessed && this.#call.replay()) {
      this.#detached = true;
      return;
    }
    if (streamFault === undefined) this.#endByReset(code);
    else if (LOST_CONNECTION.has(streamFault.token)) void this.#endByLoss();
    else
      this.#call.end(fault("BadResponse", `the function broke HTTP/2: ${streamFault.message} (${streamFault.source})`));
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
    if (!this.#detached) this.#call.requestSent(this.#sentBytes);
  }

  closed(): void {
    try {
      this.#link.meter.end();
    } finally {
      this.#instance.release();
      this.#link.requestEnded();
    }
  }

  #endByReset(code: ErrorCode): void {
    if (code === ErrorCode.CANCEL && this.#link.nowMs() >= this.#call.deadlineAt - DEADLINE_SLACK_MS) {
      this.#call.end(fault("ClientDeadline", "the client's deadline passed"));
      return;
    }
    const status = statusOfResetCode(code);
    const words =
      status === GrpcStatus.UNAVAILABLE ? "the function refused the stream" : "the function reset the stream";
    this.#call.end(fault("FunctionReset", `${words} (${resetName(code)})`, status));
  }

  /** The connection is gone: whether the instance is too, and why, is known a moment later. */
  async #endByLoss(): Promise<void> {
    this.#call.end(await this.#link.whyLost());
  }
}

function resetName(code: number): string {
  return Object.entries(ErrorCode).find(([, known]) => known === code)?.[0] ?? `code ${code}`;
}
