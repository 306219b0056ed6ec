/** The load of differing-calls.ts, in a process of its own: prints how many calls were answered rightly. */
import { callHead, fail, LoadCall, LoadConnection } from "./load-connection.ts";
import { finishLoad, workOf } from "./load-process.ts";

const work = workOf<{
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: string;
}>();
const body = Buffer.from(work.body, "base64");
const authority = `127.0.0.1:${work.port}`;
const endsAt = performance.now() + work.seconds * 1000;
let answered = 0;
let underWay = 0;

function next(connection: LoadConnection): void {
  if (performance.now() >= endsAt) {
    if (underWay === 0) finishLoad(answered);
    return;
  }
  underWay += 1;
  const id = crypto.randomUUID().replaceAll("-", "");
  const head = callHead(authority, work.path, [
    "grpc-timeout",
    `${4_000_000 + Math.floor(Math.random() * 999_999)}u`,
    "traceparent",
    `00-${id}-${id.slice(0, 16)}-01`,
  ]);
  const call = new LoadCall(() => {
    if (call.answerBytes !== body.length) fail(`an answer of ${call.answerBytes} bytes`);
    answered += 1;
    underWay -= 1;
    next(connection);
  });
  connection.call(head, call).data(body, true);
}

for (let i = 0; i < work.connections; i++) {
  void LoadConnection.open({ port: work.port, tls: true }).then((connection) => {
    for (let stream = 0; stream < work.streams; stream++) next(connection);
  });
}
