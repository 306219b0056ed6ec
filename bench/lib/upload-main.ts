/** One client-streaming call of many large messages, in a process of its own: prints the seconds that it took. */
import { callHead, fail, LoadCall, LoadConnection, type Target } from "./load-connection.ts";
import { finishLoad, workOf } from "./load-process.ts";

const work = workOf<{
  readonly target: Target;
  readonly messages: number;
  readonly messageBytes: number;
  readonly path: string;
}>();

/** Given to the connection before it has sent as much: enough for any window. */
const AHEAD_BYTES = 16 * 1024 * 1024;

const message = Buffer.alloc(5 + work.messageBytes, 0x61);
message.writeUInt8(0, 0);
message.writeUInt32BE(work.messageBytes, 1);

const connection = await LoadConnection.open(work.target);
const startedAt = performance.now();
let given = 0;
let waitingBytes = 0;
const call = new LoadCall(
  () => {
    const counted = Number(call.answer.toString("latin1", 5));
    if (counted !== work.messages * work.messageBytes) fail(`the function counted ${counted} bytes`);
    finishLoad((performance.now() - startedAt) / 1000);
  },
  (bytes) => {
    waitingBytes -= bytes;
    if (waitingBytes < AHEAD_BYTES / 2) setImmediate(give);
  },
);
const stream = connection.call(callHead(`127.0.0.1:${work.target.port}`, work.path), call);

function give(): void {
  while (given < work.messages && waitingBytes < AHEAD_BYTES) {
    given += 1;
    waitingBytes += message.length;
    stream.data(message, given === work.messages);
  }
}

give();
