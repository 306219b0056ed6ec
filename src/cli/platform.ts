/** Finding the platform that a command is to talk to. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Client, isLoopback, portOfUrl, shellQuote } from "../client/client.ts";
import { CliError } from "./cli-error.ts";
import type { Context } from "./context.ts";
import { dataDirectory } from "./data-directory.ts";
import { sluiceCommand } from "./sluice-command.ts";

/** `DIR/endpoint.json`, as `sluice start` writes it when it is ready. */
const endpointFile = z.object({
  apiUrl: z.string(),
  grpcAddress: z.string(),
  caFile: z.string(),
  accountId: z.string(),
  accessKeyId: z.string(),
  region: z.string(),
  domain: z.string(),
  pid: z.number(),
  remote: z
    .object({ apiUrl: z.string(), grpcAddress: z.string().optional(), caFile: z.string().optional() })
    .optional(),
});

/** `DIR/credentials.json`. */
const credentialsFile = z.object({ accountId: z.string(), accessKeyId: z.string(), accessKeySecret: z.string() });

/** How another machine reaches a platform. */
export interface RemoteAddress {
  readonly apiUrl: string;
  readonly grpcAddress?: string | undefined;
  /** Here, on the platform's machine. */
  readonly caFile?: string | undefined;
}

/** A platform and how to reach it. */
export interface Platform {
  readonly apiUrl: string;
  /** `HOST:PORT` of the gRPC endpoint; absent where only the API's URL is known. */
  readonly grpcAddress?: string | undefined;
  /** PEM file of the CA that the gRPC endpoint's certificate is verified against; absent: this system's roots. */
  readonly caFile?: string | undefined;
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Known of a platform found by its data directory. */
  readonly region?: string | undefined;
  /** Whether it runs on this machine. */
  readonly isLocal: boolean;
  /** How other machines reach it; absent where they do not, or where it is one itself. */
  readonly remote?: RemoteAddress | undefined;
  readonly client: Client;
  /** How `sluice` is called here so that it finds this platform. */
  readonly sluiceCommand: string;
}

/**
 * The platform that is meant: of `--data`; else the one of `SLUICE_ENDPOINT`; else of `SLUICE_DATA` or `~/.sluice`.
 * Throws a CliError that says how to start it where none is running.
 */
export function findPlatform(context: Context, dataFlag: string | undefined): Platform {
  const apiUrl = context.env["SLUICE_ENDPOINT"];
  if (dataFlag === undefined && apiUrl) return platformOfEnvironment(context, apiUrl);
  return platformOfDirectory(context, dataFlag);
}

/** The data directory that is meant, where no Sluice runs on it; undefined where one does, or SLUICE_ENDPOINT names one. */
export function stoppedDirectory(context: Context, dataFlag: string | undefined): string | undefined {
  if (dataFlag === undefined && context.env["SLUICE_ENDPOINT"]) return undefined;
  const directory = dataDirectory(context, dataFlag);
  const path = join(directory, "endpoint.json");
  return existsSync(path) && isAlive(readJson(path, endpointFile).pid) ? undefined : directory;
}

function platformOfEnvironment(context: Context, url: string): Platform {
  const { env } = context;
  const variable = (name: string): string => {
    const value = env[name];
    if (value) return value;
    throw new CliError(
      `SLUICE_ENDPOINT is set, but ${name} is not: set it too ('sluice env' prints all), or use --data DIR`,
    );
  };
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new CliError(`SLUICE_ENDPOINT: expected a URL such as http://127.0.0.1:8085, got "${url}"`);
  }
  const credentials = {
    accountId: variable("SLUICE_ACCOUNT_ID"),
    accessKeyId: variable("SLUICE_ACCESS_KEY_ID"),
    accessKeySecret: variable("SLUICE_ACCESS_KEY_SECRET"),
  };
  const caFile = env["SLUICE_CA_FILE"] || undefined;
  const apiUrl = new URL(url).origin;
  const endpoint = {
    apiUrl,
    ...credentials,
    ...(caFile !== undefined && apiUrl.startsWith("https:") && { caPem: readText(caFile, "SLUICE_CA_FILE") }),
  };
  return {
    apiUrl,
    ...credentials,
    caFile,
    grpcAddress: env["SLUICE_GRPC_ADDRESS"] || undefined,
    isLocal: isLoopback(new URL(url).hostname),
    client: new Client(endpoint, context.clock),
    sluiceCommand: sluiceCommand(context),
  };
}

function platformOfDirectory(context: Context, dataFlag: string | undefined): Platform {
  const directory = dataDirectory(context, dataFlag);
  const hint = startHint(context, dataFlag);
  const path = join(directory, "endpoint.json");
  if (!existsSync(path)) throw new CliError(`no Sluice is running with data directory ${directory}: ${hint}`);
  const endpoint = readJson(path, endpointFile);
  if (!isAlive(endpoint.pid)) {
    throw new CliError(`the Sluice of ${directory} (process ${endpoint.pid}) is not running any more: ${hint}`);
  }
  const credentials = { ...readJson(join(directory, "credentials.json"), credentialsFile), ...otherKey(context) };
  const { apiUrl, grpcAddress, caFile, region, remote } = endpoint;
  // --data stands behind a command's name; in front of it the environment says the same.
  const prefix = dataFlag === undefined ? "" : `SLUICE_DATA=${shellQuote(directory)} `;
  return {
    apiUrl,
    grpcAddress,
    caFile,
    region,
    remote,
    ...credentials,
    isLocal: true,
    client: new Client({ apiUrl, ...credentials }, context.clock),
    sluiceCommand: `${prefix}${sluiceCommand(context)}`,
  };
}

/** The key that the environment names in place of the first one; beside SLUICE_ENDPOINT it is of that platform. */
function otherKey({ env }: Context): { accessKeyId: string; accessKeySecret: string } | undefined {
  const accessKeyId = env["SLUICE_ACCESS_KEY_ID"];
  const accessKeySecret = env["SLUICE_ACCESS_KEY_SECRET"];
  if (env["SLUICE_ENDPOINT"] || !accessKeyId || !accessKeySecret) return undefined;
  return { accessKeyId, accessKeySecret };
}

function startHint(context: Context, dataFlag: string | undefined): string {
  const data = dataFlag === undefined ? "" : ` --data ${shellQuote(dataFlag)}`;
  return `start it with '${sluiceCommand(context)} start${data}', or name another with --data DIR or SLUICE_ENDPOINT`;
}

/**
 * Address of the gRPC endpoint for a function's URL: the platform's, or, where only its API is known, the API's host
 * with the URL's port.
 */
export function grpcAddressFor(platform: Platform, urlInternet: string): string {
  return platform.grpcAddress ?? `${new URL(platform.apiUrl).hostname}:${portOfUrl(urlInternet)}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process: it lives.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readJson<T>(path: string, shape: z.ZodType<T>): T {
  const text = readText(path, path);
  try {
    return shape.parse(JSON.parse(text));
  } catch (error) {
    throw new CliError(`${path} is not what Sluice writes: restart Sluice`, { cause: error });
  }
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CliError(`cannot read ${name}: ${(error as Error).message}`, { cause: error });
  }
}
