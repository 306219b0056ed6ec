/** What a function's settings may be: Function Compute's ranges ("Limits", API 2021-04-06). */
import { z } from "zod";
import type { FunctionSettings } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import { CONTAINER_RUNTIME } from "./container-settings.ts";
import { customDNS } from "./dns-settings.ts";
import { customHealthCheckConfig, instanceLifecycleConfig } from "./lifecycle-settings.ts";
import { inRange, integer, oneOf, settings, text } from "./validation.ts";

/** Bytes of all keys and values together. */
const ENVIRONMENT_MAX_BYTES = 4096;

const RUNTIMES = [
  "custom",
  "custom.debian9",
  "custom.debian10",
  "custom.debian11",
  "custom.debian12",
  CONTAINER_RUNTIME,
];

const runtime = z.custom<string>(
  (value) => RUNTIMES.includes(String(value)),
  `one of ${RUNTIMES.join(", ")} (this version of Sluice runs programs that are packed as a zip, and container images; ` +
    "language runtimes are not there)",
);

const cpu = z.custom<number>(
  (value) =>
    typeof value === "number" && inRange(value, 0.05, 16) && Math.abs(value * 20 - Math.round(value * 20)) < 1e-9,
  "a number from 0.05 to 16 in steps of 0.05 (CPUs)",
);

const environmentVariables = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([key, each]) => /^[A-Za-z][A-Za-z0-9_]*$/.test(key) && isEnvironmentText(each)),
  "a map of texts whose keys begin with a letter and have only letters, digits and _",
);

/** A NUL ends a variable early for the program. */
function isEnvironmentText(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0");
}

const startCommand = z.custom<string[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= 100 &&
    value.every((each) => isEnvironmentText(each) && each.length <= 4096),
  "a list of at most 100 texts",
);

const layers = z.custom<string[]>(
  (value) => Array.isArray(value) && value.length === 0,
  "an empty list (this version of Sluice has no layers: put their files into the package)",
);

const NO_GPU = "this version of Sluice has no GPUs";

const instanceType = z.custom<string>(
  (value) => typeof value === "string" && value.length <= 64 && !value.startsWith("fc.gpu"),
  `a text of at most 64 characters that names no GPU (${NO_GPU})`,
);

/** Tools send 0 for none; it is nothing to keep. */
const gpuMemorySize = z.custom<number>((value) => value === 0, `0 (${NO_GPU})`).transform(() => undefined);

export const functionSettings = {
  description: text(256),
  runtime,
  handler: text(128),
  memorySize: integer(128, 32768, "MB", 64),
  cpu,
  diskSize: oneOf([512, 10240]),
  timeout: integer(1, 86400, "seconds"),
  initializer: text(128),
  initializationTimeout: integer(1, 300, "seconds"),
  caPort: integer(1, 65535, "port"),
  instanceConcurrency: integer(1, 200, "calls at once"),
  instanceSoftConcurrency: integer(1, 200, "calls at once"),
  instanceType,
  gpuMemorySize,
  environmentVariables,
  layers,
  customRuntimeConfig: settings({ command: startCommand, args: startCommand }).transform(({ command, args }) => ({
    command: command ?? [],
    args: args ?? [],
  })),
  customHealthCheckConfig,
  customDNS,
  instanceLifecycleConfig,
};

/** Where a setting is omitted at creation. timeout: 60 s, as Function Compute's page on gRPC functions says. */
export const functionDefaults = {
  description: "",
  handler: "index.handler",
  memorySize: 512,
  diskSize: 512,
  timeout: 60,
  initializer: "",
  initializationTimeout: 3,
  caPort: 9000,
  instanceConcurrency: 1,
  instanceType: "e1",
  environmentVariables: {},
  layers: [],
} as const;

/** Rules that concern several settings, or settings as they stand after an update. Throws InvalidArgument. */
export function checkTogether(settings: FunctionSettings): void {
  const { instanceConcurrency, instanceSoftConcurrency: soft, cpu: cpus, memorySize } = settings;
  if (soft !== undefined && soft > instanceConcurrency) {
    invalid(`instanceSoftConcurrency: expected at most instanceConcurrency (${instanceConcurrency}), got ${soft}`);
  }
  if (cpus !== undefined && !inRange(memorySize / 1024 / cpus, 1, 4)) {
    invalid(`cpu: expected 1 to 4 GB of memorySize for each CPU, got cpu ${cpus} with memorySize ${memorySize} MB`);
  }
  const environment = Object.entries(settings.environmentVariables);
  const reserved = environment.find(([key]) => key.startsWith("FC_"))?.[0];
  if (reserved !== undefined) {
    invalid(`environmentVariables.${reserved}: expected a key that does not begin with FC_, which the platform sets`);
  }
  const sizeBytes = environment.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (sizeBytes > ENVIRONMENT_MAX_BYTES) {
    invalid(`environmentVariables: expected at most ${ENVIRONMENT_MAX_BYTES} bytes in all, got ${sizeBytes}`);
  }
}
