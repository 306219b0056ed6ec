import type { JsonValue } from "@bufbuild/protobuf";
import type { ServiceError } from "@grpc/grpc-js";
import type { FunctionInfo } from "../../client/client.ts";
import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { nameOf, noFunction } from "../functions-meant.ts";
import { dataOption, durationOption, jsonOption, repeatedOption } from "../options.ts";
import type { Platform } from "../platform.ts";

interface InvokeFlags {
  data?: string;
  json?: boolean;
  request?: string;
  proto?: string;
  metadata?: string[];
  timeout?: number;
}

export const invokeCommand = command<InvokeFlags>({
  name: "invoke",
  summary: "call a method of a function with JSON",
  arguments: ["<function>", "<method>"],
  options: [
    { flags: "-d, --request <json>", description: "the request as JSON; a list for a client stream (default: {})" },
    { flags: "--proto <file>", description: "the proto file, for a function without server reflection" },
    {
      flags: "-H, --metadata <name:value>",
      description: "metadata of the call, several times for several",
      parse: repeatedOption,
    },
    { flags: "--timeout <duration>", description: "deadline of the call (default: none)", parse: durationOption },
    dataOption,
    jsonOption,
  ],
  details:
    "FUNCTION is SERVICE/FUNCTION or SERVICE.QUALIFIER/FUNCTION, METHOD is package.Service/Method, or only as much of it as is needed.\n" +
    "Where the function's trigger asks for signed calls (authType function), they are signed with the platform's access key.\n" +
    "The exit code is 0 only for status OK. With --json a server stream gives JSON Lines: its messages, then the end.",
  async run(context, [name = "", methodName = ""], flags) {
    const { resolve } = await import("node:path");
    const { findPlatform } = await import("../platform.ts");
    const { openGrpcClient } = await import("../invoke/grpc-client.ts");
    const { describeServer } = await import("../invoke/reflection.ts");
    const { describeProtoFile } = await import("../invoke/proto-file.ts");
    const { findMethod } = await import("../invoke/find-method.ts");
    const { callMethod, resultOf } = await import("../invoke/call.ts");
    const { Metadata } = await import("@grpc/grpc-js");

    const data = parseRequest(flags.request ?? "{}");
    const platform = findPlatform(context, flags.data);
    const info = await findFunction(platform, name);
    const deadlineAt = flags.timeout === undefined ? undefined : context.clock.epochMs() + flags.timeout;
    const { client, metadata } = openGrpcClient(platform, info, flags.metadata ?? [], context.clock);
    try {
      const description =
        flags.proto === undefined
          ? await describeServer(client, context.clock, deadlineAt)
          : await describeProtoFile(resolve(context.cwd, flags.proto));
      const { method, registry } = findMethod(methodName, description);
      const isClientStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
      const requests = isClientStream && Array.isArray(data) ? data : [data];
      const isStream = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
      const result = await callMethod(client, {
        method,
        registry,
        requests,
        metadata,
        deadlineAt,
        onMessage: (message) => printMessage(context, message, flags.json, isStream),
      });
      printEnd(context, result, flags.json, isStream);
      return result.status.code === 0 ? undefined : 1;
    } catch (error) {
      // The function, or the platform in its place, has ended the reflection call: the answer to this call, too.
      if (!isServiceError(error)) throw error;
      printEnd(context, resultOf(error, new Metadata(), []), flags.json, false);
      return 1;
    } finally {
      client.close();
    }
  },
});

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && "metadata" in error;
}

function parseRequest(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`-d: expected JSON, got ${text.slice(0, 80)}: ${(error as Error).message}`);
  }
}

async function findFunction(platform: Platform, name: string): Promise<FunctionInfo> {
  const infos = await platform.client.functionInfos();
  const info = infos.find((each) => nameOf(each) === name);
  if (info === undefined) throw noFunction(infos, name);
  return info;
}

function printMessage(context: Context, message: JsonValue, json: boolean | undefined, isStream: boolean): void {
  if (!json) context.stdout.write(`${JSON.stringify(message, null, 2)}\n`);
  else if (isStream) context.stdout.write(`${JSON.stringify({ message })}\n`);
}

function printEnd(
  context: Context,
  result: { status: { code: number; name: string; message: string }; messages: unknown; requestId: string },
  json: boolean | undefined,
  isStream: boolean,
): void {
  const { status, requestId } = result;
  if (json && isStream) {
    const { messages: _printed, ...end } = result;
    context.stdout.write(`${JSON.stringify(end)}\n`);
  } else if (json) {
    context.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } else if (status.code !== 0) {
    const id = requestId === "" ? "" : ` (request ${requestId})`;
    context.stderr.write(`sluice: the call ended with ${status.name} (${status.code}): ${status.message}${id}\n`);
  }
}
