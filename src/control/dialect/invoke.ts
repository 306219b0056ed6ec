/** InvokeFunction: an event for a function, answered with what the function made of it. */
import type { Hono } from "hono";
import { sleep } from "../../base/base.ts";
import { functionKey, type InvocationRun, LATEST } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { ApiContext, ApiEnv } from "../http/env.ts";
import { WITHOUT } from "../operations/features.ts";
import type { QualifiedName } from "../resources/resources.ts";
import type { DialectContext } from "./dialect.ts";
import { replyOf } from "./invocation-answer.ts";
import { qualifiedName } from "./parameters.ts";

/** By when what a function printed before it answered is here. */
const PRINTED_WITHIN_MS = 150;
/** By which the times of a line and of its call may differ. */
const CLOCK_SLACK_MS = 5;

/** InvokeFunction. */
export function addInvocations(app: Hono<ApiEnv>, context: DialectContext): void {
  const { resources, invocations, board } = context;
  app.post("/services/:serviceName/functions/:functionName/invocations", async (c) => {
    refuseAsync(c);
    const name = qualifiedName(c);
    const { serviceName, functionName, qualifier } = name;
    const { value: invoked } = await resources.functions.get(serviceName, functionName, qualifier);
    using tail = wantsLog(c, invoked.instanceConcurrency) ? invocations.tail(keyOf(name)) : undefined;
    const event = c.get("body");
    const answer = await invocations.run(name, { requestId: c.get("requestId"), event }, goneSignal(c));
    const { run } = answer;
    const memoryUsedMb = board.of(keyOf(name))?.instances.find(isInstance(run))?.memoryUsedMb;
    const reply = replyOf(answer, { timeout: invoked.timeout, memoryUsedMb });
    if (run !== undefined) await tellRun(c, context, name, run);
    if (memoryUsedMb !== undefined) c.header("X-Fc-Max-Memory-Usage", String(memoryUsedMb));
    if (run !== undefined && tail !== undefined) {
      const sinceAt = context.clock.epochMs() - run.durationMs - CLOCK_SLACK_MS;
      await sleep(context.clock, PRINTED_WITHIN_MS);
      c.header("X-Fc-Log-Result", tail.of(run.instanceId, sinceAt).toString("base64"));
    }
    if (reply.errorType !== undefined) c.header("X-Fc-Error-Type", reply.errorType);
    c.header("Content-Type", reply.contentType);
    return c.body(Uint8Array.from(reply.body));
  });
}

function keyOf({ serviceName, functionName, qualifier }: QualifiedName) {
  return functionKey(serviceName, functionName, qualifier);
}

function isInstance(run: InvocationRun | undefined) {
  return ({ instanceId }: { instanceId: string }) => instanceId === run?.instanceId;
}

/** Where and how long it ran, and which code that was: under an alias with two versions either may be. */
async function tellRun(
  c: ApiContext,
  { resources }: DialectContext,
  { serviceName, functionName }: QualifiedName,
  { instanceId, versionId = LATEST, durationMs }: InvocationRun,
): Promise<void> {
  c.header("X-Fc-Instance-Id", instanceId);
  c.header("X-Fc-Invocation-Duration", String(Math.ceil(durationMs)));
  c.header("X-Fc-Invocation-Service-Version", versionId);
  // It may be gone by now.
  const ran = await resources.functions.get(serviceName, functionName, versionId).catch(() => undefined);
  const checksum = ran?.value.code?.checksum;
  if (checksum !== undefined) c.header("X-Fc-Code-Checksum", checksum);
}

function refuseAsync(c: ApiContext): void {
  const type = c.req.header("x-fc-invocation-type") ?? "";
  if (type === "Async" || c.req.header("x-fc-stateful-async-invocation-enable") === "true") {
    throw new ApiError("FeatureNotSupported", `InvokeFunction: ${WITHOUT.asyncInvocation}`);
  }
  if (type !== "" && type !== "Sync") invalid(`X-Fc-Invocation-Type: expected Sync, got ${JSON.stringify(type)}`);
}

/** Function Compute: only where an instance takes one call at a time are its lines those of one call. */
function wantsLog(c: ApiContext, instanceConcurrency: number): boolean {
  const type = c.req.header("x-fc-log-type") ?? "";
  if (type === "" || type === "None") return false;
  if (type !== "Tail") return invalid(`X-Fc-Log-Type: expected None or Tail, got ${JSON.stringify(type)}`);
  if (instanceConcurrency === 1) return true;
  return invalid(
    `X-Fc-Log-Type: expected None with instanceConcurrency ${instanceConcurrency}, since calls that run at once print into one log, got Tail`,
  );
}

/** Aborts when the caller goes away before it was answered. */
function goneSignal(c: ApiContext): AbortSignal {
  const controller = new AbortController();
  const { outgoing } = c.env;
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) controller.abort();
  });
  return controller.signal;
}
