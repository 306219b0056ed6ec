import { readFileSync } from "node:fs";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { Clock } from "../../base/base.ts";
import { type FunctionInfo, functionKey } from "../../client/client.ts";
import { CliError, UsageError } from "../cli-error.ts";
import { grpcAddressFor, type Platform } from "../platform.ts";
import { signCalls } from "./sign-calls.ts";

/** Answers of any size: the command prints them, memory is the user's. */
const NO_LIMIT = -1;

/**
 * A client of one function through the gateway: TLS with the certificate verified for the function's host name, dialled
 * at the gateway's address, since the name resolves on few machines. Calls are signed with the platform's key where the
 * function asks for it. `headers` are `name:value`.
 */
export function openGrpcClient(
  platform: Platform,
  info: FunctionInfo,
  headers: readonly string[],
  clock: Clock,
): { client: Client; metadata: Metadata } {
  const { host, urlInternet } = info;
  if (!host || !urlInternet) {
    throw new CliError(
      `${functionKey(info.serviceName, info.functionName, info.qualifier)} cannot be called: ${info.reason ?? "it has no http trigger"}`,
    );
  }
  const roots = platform.caFile === undefined ? null : readCa(platform.caFile);
  const client = new Client(grpcAddressFor(platform, urlInternet), credentials.createSsl(roots), {
    "grpc.ssl_target_name_override": host,
    "grpc.default_authority": host,
    "grpc.max_receive_message_length": NO_LIMIT,
    // A proxy of the environment must not stand between us and this machine.
    "grpc.enable_http_proxy": 0,
    interceptors: info.authType === "function" ? [signCalls(platform, clock)] : [],
  });
  return { client, metadata: metadataOf(headers) };
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CliError(`cannot read the CA file of the platform: ${(error as Error).message}`, { cause: error });
  }
}

function metadataOf(headers: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const header of headers) {
    const colon = header.indexOf(":");
    if (colon < 1) throw new UsageError(`-H: expected name:value, got "${header}"`);
    const name = header.slice(0, colon).trim().toLowerCase();
    const value = header.slice(colon + 1).trim();
    metadata.add(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}
