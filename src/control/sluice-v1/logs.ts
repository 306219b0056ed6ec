import type { FunctionKey } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { ApiContext } from "../http/env.ts";
import type { FunctionLogs, LogQuery } from "../logs/function-logs.ts";

/** JSON Lines, each as soon as it is there; with `follow=1` until the client goes. */
export async function answerLogs(c: ApiContext, logs: FunctionLogs): Promise<Response> {
  const reader = await logs.read(logQuery(c.req.query()));
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async pull(controller) {
      const record = await reader.next();
      if (record === undefined) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(record)}\n`));
    },
    cancel: () => reader.close(),
  });
  c.env.outgoing.once("close", () => reader.close());
  // Named, so that the adapter writes the head at once instead of waiting for a first line.
  c.header("Transfer-Encoding", "chunked");
  c.header("Content-Type", "application/jsonl");
  return c.body(body);
}

function logQuery(query: Record<string, string>): LogQuery {
  const { function: name, requestId, sinceMs, follow } = query;
  if (name !== undefined && !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?\/[A-Za-z0-9_-]+$/.test(name)) {
    invalid(`function: expected SERVICE/FUNCTION or SERVICE.QUALIFIER/FUNCTION, got ${JSON.stringify(name)}`);
  }
  if (sinceMs !== undefined && !/^\d{1,15}$/.test(sinceMs)) {
    invalid(`sinceMs: expected milliseconds since 1970, got ${JSON.stringify(sinceMs)}`);
  }
  return {
    ...(name !== undefined && { function: name as FunctionKey }),
    ...(requestId !== undefined && { requestId }),
    ...(sinceMs !== undefined && { sinceAt: Number(sinceMs) }),
    follow: follow === "1" || follow === "true",
  };
}
