import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { checkNetworkRange, defaultDriverConfiguration } from "../drivers/drivers.ts";
import { GATEWAY_LIMITS } from "../gateway/gateway.ts";
import { LIMITS, type Limit } from "../h2/h2.ts";
import { defaultSchedulerLimits } from "../scheduler/scheduler.ts";
import { StartupError } from "./startup-error.ts";

const MIB = 1024 * 1024;

const port = z.number().int().min(0).max(65_535);
const ms = z.number().int().min(1).max(86_400_000);
const count = z.number().int().min(1).max(1_000_000);
const name = z.string().min(1);
const dnsLabels = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, "lower-case DNS labels");

const networkRange = z.custom<string>((value) => {
  try {
    checkNetworkRange(String(value));
    return true;
  } catch {
    return false;
  }
}, "a range of addresses such as 10.0.0.0/8 or fc00::/7");

interface Setting<T> {
  readonly schema: z.ZodType<T>;
  readonly value: T;
  /** What it is, with its unit; printed by `sluice config`. */
  readonly meaning: string;
}

function setting<T>(schema: z.ZodType<T>, value: T, meaning: string): Setting<T> {
  return { schema, value, meaning };
}

/** Every setting that is not a limit of the gateway or of HTTP/2 connections: schema, default, meaning. */
const SETTINGS = {
  hosts: setting(z.array(name).min(1), ["127.0.0.1", "::1"], "addresses of the gRPC port"),
  grpcPort: setting(port, 8089, "port of the TLS gRPC endpoint; 0: any free one"),
  apiPort: setting(port, 8085, "port of the control API; 0: any free one"),
  apiHosts: setting(
    z.array(name),
    [],
    "addresses of the control API beside loopback, for other machines, which reach it over TLS alone; 0.0.0.0: all",
  ),
  apiCertificateFile: setting(
    z.string(),
    "",
    "PEM file of the certificate of apiHosts, with its chain; empty: one of the local CA",
  ),
  apiKeyFile: setting(z.string(), "", "PEM file of the key of apiCertificateFile"),
  region: setting(dnsLabels, "local", "region label in host names"),
  domain: setting(dnsLabels, "fcapp.localhost", "base of generated host names"),
  isolation: setting(
    z.enum(["auto", "sandbox", "container", "process"]),
    "auto",
    "how functions are kept apart; auto takes the first that works of sandbox, container, process",
  ),
  drainTimeoutMs: setting(ms, 30_000, "how long stopping waits for open calls"),
  startLimitMs: setting(ms, defaultSchedulerLimits.startLimitMs, "from spawn to the first SETTINGS of an instance"),
  queueCallsMax: setting(count, defaultSchedulerLimits.queueCallsMax, "calls of one function that may wait for a slot"),
  queueWaitAtLimitMs: setting(ms, defaultSchedulerLimits.queueWaitAtLimitMs, "wait for a slot at the instance limit"),
  idleFreezeMs: setting(
    ms,
    defaultSchedulerLimits.idleFreezeMs,
    "an instance without calls is frozen after this time, where the isolation can; from idleStopMs on: never",
  ),
  idleStopMs: setting(ms, defaultSchedulerLimits.idleStopMs, "an instance without calls is stopped after this time"),
  instancesMax: setting(count, defaultSchedulerLimits.instancesMax, "instances of all functions"),
  growthBurst: setting(count, defaultSchedulerLimits.growthBurst, "instances that calls may have started at once"),
  growthPerMinute: setting(
    count,
    defaultSchedulerLimits.growthPerMinute,
    "instances that calls may have started for each minute after that",
  ),
  startsAtOnceMax: setting(
    count,
    availableParallelism() * 2,
    "instances that start at the same time; default: cores x 2",
  ),
  stopGraceMs: setting(ms, defaultSchedulerLimits.stopGraceMs, "from SIGTERM to SIGKILL when an instance is stopped"),
  instanceMemoryMaxMb: setting(
    count,
    Math.floor((totalmem() / MIB) * 0.75),
    "memory of all instances together, planned by memorySize and enforced; default: 75 % of this machine's memory",
  ),
  uidFirst: setting(
    z
      .number()
      .int()
      .min(1)
      .max(2 ** 31),
    200_000,
    "first of the user ids that functions run as",
  ),
  uidCount: setting(count, 10_000, "user ids that functions run as"),
  networkPoolSize: setting(z.number().int().min(1).max(64), 4, "ready network namespaces of the sandbox"),
  egress: setting(
    z.enum(["auto", "user", "nat", "none"]),
    "auto",
    "how functions with internetAccess reach the network: user (slirp4netns), nat (changes this host), none; " +
      "auto takes user where slirp4netns can run, else none",
  ),
  egressDenied: setting(
    z.array(networkRange),
    [...defaultDriverConfiguration.egressDenied],
    "networks that functions do not reach, beside the host's addresses, other instances and metadata services",
  ),
  sandboxRoot: setting(
    name,
    "/",
    "folder of the root file system whose /usr and /etc functions in sandboxes see, read-only; /: this machine's own",
  ),
  networkRanges: setting(
    z.array(name).min(1),
    ["10.201.0.0/16", "172.29.0.0/16"],
    "IPv4 ranges that sandboxes and containers get their addresses from; the first free ones are used",
  ),
  containerBaseImage: setting(
    name,
    "node:24-bookworm-slim",
    'image in which code packages run with isolation "container"; found on this machine or pulled',
  ),
  containerRuntime: setting(
    z.string(),
    "",
    "runtime of containers, by the name that the engine knows it by: runsc (gVisor), kata, ...; empty: the engine's default",
  ),
  containerReadOnlyRoot: setting(
    z.boolean(),
    false,
    "containers write to /tmp alone, which is in memory then: at most diskSize, and half of memorySize",
  ),
  acmeDirectoryUrl: setting(
    z.union([z.literal(""), z.url({ protocol: /^https$/ })], "an https URL, or an empty text"),
    "",
    "directory of the ACME server that custom domains with certConfig.certName acme get certificates from " +
      "(Let's Encrypt: https://acme-v02.api.letsencrypt.org/directory); empty: none",
  ),
  acmeTermsAgreed: setting(z.boolean(), false, "you agree to the terms of service of that server; needed with it"),
  acmeContactEmail: setting(
    z.union([z.literal(""), z.email()], "an e-mail address, or an empty text"),
    "",
    "where that server may write to; empty: nowhere",
  ),
  acmeChallenge: setting(
    z.enum(["http-01", "tls-alpn-01"]),
    "http-01",
    "how that server is shown whose a domain is: http-01 (it asks on port 80 of the domain), or tls-alpn-01 (on port 443, " +
      "which then has to lead to the gRPC port)",
  ),
  acmeHttpHosts: setting(z.array(name).min(1), ["0.0.0.0", "::"], "addresses on which its challenges are answered"),
  acmeHttpPort: setting(
    port,
    80,
    "port on which challenges of type http-01 are answered: port 80 of the domain has to lead here",
  ),
  acmeCaFile: setting(
    z.string(),
    "",
    "PEM file of the CA that this server's own certificate is from, where it is a private one; empty: a public CA",
  ),
} as const satisfies Record<string, Setting<unknown>>;

type SettingValues = { readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]["schema"]> };
type Limits = { readonly [Name in keyof typeof LIMITS | keyof typeof GATEWAY_LIMITS]: number };

/** Everything that is in force, by name. */
export type Configuration = SettingValues & Limits;

/** One setting for the manual. */
export interface SettingDescription {
  readonly name: string;
  readonly value: unknown;
  readonly meaning: string;
}

/** All settings with their defaults, in the order in which they are printed. */
export function describeConfiguration(): SettingDescription[] {
  const settings = Object.entries(SETTINGS).map(([key, { value, meaning }]) => ({ name: key, value, meaning }));
  return [...settings, ...describeLimits("gateway", GATEWAY_LIMITS), ...describeLimits("HTTP/2", LIMITS)];
}

function describeLimits(of: string, limits: Readonly<Record<string, Limit>>): SettingDescription[] {
  return Object.entries(limits).map(([key, { value, meaning, source }]) => ({
    name: key,
    value,
    meaning: `${of}: ${meaning} (${source})`,
  }));
}

/**
 * Reads a configuration file over the defaults; a missing file is an empty one, unless it was asked for by name.
 * Throws a StartupError that names file, key, what is expected and what was given. Unknown keys are refused.
 */
export function loadConfiguration(file: string, askedFor: boolean): Configuration {
  const defaults = Object.fromEntries(describeConfiguration().map(({ name: key, value }) => [key, value]));
  const given = readYaml(file, askedFor);
  const result = schema().safeParse(given);
  if (!result.success) throw new StartupError(`${file}: ${result.error.issues.map(explain).join("; ")}`);
  return { ...defaults, ...result.data } as Configuration;
}

/** The configuration in force as YAML, each key with its meaning. */
export function printConfiguration(configuration: Configuration): string {
  const values = configuration as unknown as Readonly<Record<string, unknown>>;
  return describeConfiguration()
    .map(({ name: key, meaning }) => `# ${meaning}\n${stringify({ [key]: values[key] })}`)
    .join("");
}

function schema() {
  const settings = Object.entries(SETTINGS).map(([key, { schema: type }]) => [key, type.optional()]);
  const limits = Object.entries({ ...GATEWAY_LIMITS, ...LIMITS }).map(([key, { min, max }]) => [
    key,
    z.number().int().min(min).max(max).optional(),
  ]);
  return z.strictObject(Object.fromEntries([...settings, ...limits]) as Record<string, z.ZodType>);
}

function readYaml(file: string, askedFor: boolean): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !askedFor) return {};
    throw new StartupError(`Cannot read the configuration ${file}: ${(error as Error).message}`);
  }
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw new StartupError(`${file} is not YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return `unknown key ${issue.keys.join(", ")} ('sluice config' prints all there are)`;
  }
  return `${issue.path.join(".")}: ${issue.message}`;
}
