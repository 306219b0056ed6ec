/**
 * Unary calls at a fixed rate that waits for no answer, in a process of its own: prints how long they took. A call's
 * time begins when the generator woke up to send it, so that what the generator itself is late counts for no side.
 */
import { callHead, fail, LoadCall, LoadConnection, type Target } from "./load-connection.ts";
import { finishLoad, workOf } from "./load-process.ts";
import { percentile } from "./statistics.ts";

const work = workOf<{
  readonly target: Target;
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: string;
}>();
const body = Buffer.from(work.body, "base64");

/** Sent before anything is counted: connections, code and heaps are cold. */
const WARM_UP_SECONDS = Math.min(1, work.seconds / 2);

/** Calls open at a time over which the other side cannot follow the rate. */
const OPEN_CALLS_MAX = work.callsPerSecond;

const latenciesMs: number[] = [];
const connections = await Promise.all(Array.from({ length: work.connections }, () => LoadConnection.open(work.target)));
const head = callHead(`127.0.0.1:${work.target.port}`, work.path);
const startedAt = performance.now();
const countsFrom = startedAt + WARM_UP_SECONDS * 1000;
const endsAt = countsFrom + work.seconds * 1000;
let sent = 0;
let open = 0;

function send(connection: LoadConnection, nowMs: number): void {
  if (open >= OPEN_CALLS_MAX) fail(`${open} calls are open: the rate is too high for the other side`);
  open += 1;
  const call = new LoadCall(() => {
    open -= 1;
    if (call.answerBytes !== body.length) fail(`an answer of ${call.answerBytes} bytes`);
    if (nowMs >= countsFrom) latenciesMs.push(performance.now() - nowMs);
  });
  connection.call(head.slice(), call).data(body, true);
  connection.flush();
}

function turn(): void {
  const nowMs = performance.now();
  const due = Math.min(nowMs, endsAt);
  while (startedAt + (sent * 1000) / work.callsPerSecond <= due) {
    send(connections[sent % connections.length] as LoadConnection, nowMs);
    sent += 1;
  }
  if (nowMs < endsAt || open > 0) setTimeout(turn, 1);
  else finish();
}

function finish(): void {
  finishLoad({
    calls: latenciesMs.length,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: latenciesMs.reduce((a, b) => Math.max(a, b), 0),
  });
}

turn();
