/**
 * The keys of one service of s.yaml, edition 1.0.0, `component: fc`. Names and bounds are Function Compute's
 * (Serverless Devs, "fc: YAML"; Function Compute, "Limits"); the server checks them again.
 */

import { YamlError, type YamlNode } from "../s-yaml/node.ts";
import {
  anything,
  flag,
  list,
  mapping,
  needed,
  notHonoured,
  number,
  oneOf,
  optional,
  type Position,
  type Shape,
  text,
  texts,
  type ValuesOf,
} from "../s-yaml/shape.ts";
import { CONTAINER_RUNTIME, checkRuntimeKeys, containerShape } from "./container-shape.ts";
import { dnsShape } from "./dns-shape.ts";

/** First character no digit and no `-`. */
function nameShape(lengthMax: number): Shape<string> {
  return text({
    pattern: new RegExp(`^[A-Za-z_][A-Za-z0-9_-]{0,${lengthMax - 1}}$`),
    expected: `a name of 1 to ${lengthMax} letters, digits, _ and -, not beginning with a digit or -`,
  });
}

const description = text({ pattern: /^.{0,256}$/s, expected: "a text of at most 256 characters" });

const serviceShape = mapping({
  name: needed(nameShape(128)),
  description: optional(description),
  internetAccess: optional(flag),
  tracingConfig: notHonoured,
  role: notHonoured,
  logConfig: notHonoured,
  vpcConfig: notHonoured,
  nasConfig: notHonoured,
  ossMountConfig: notHonoured,
  vpcBinding: notHonoured,
});

const RUNTIMES = [
  "custom",
  "custom.debian9",
  "custom.debian10",
  "custom.debian11",
  "custom.debian12",
  CONTAINER_RUNTIME,
] as const;

/** A hook is on where its handler is not empty; the text itself means nothing to a custom runtime. */
const hookShape = mapping({ handler: optional(text()), timeout: optional(number({ from: 1, to: 90 })) });

const healthCheckShape = mapping({
  httpGetUrl: optional(
    text({ pattern: /^(\/[!"$-~]{0,2047})?$/, expected: "a path of at most 2048 characters that begins with /" }),
  ),
  initialDelaySeconds: optional(number({ from: 0, to: 120 })),
  periodSeconds: optional(number({ from: 1, to: 120 })),
  timeoutSeconds: optional(number({ from: 1, to: 3 })),
  failureThreshold: optional(number({ from: 1, to: 120 })),
  successThreshold: optional(number({ from: 1, to: 120 })),
});

const functionFields = {
  name: needed(nameShape(64)),
  description: optional(description),
  codeUri: optional(text()),
  handler: optional(text()),
  runtime: needed(oneOf(...RUNTIMES)),
  memorySize: optional(number({ from: 128, to: 32_768, step: 64 })),
  cpu: optional(number({ from: 0.05, to: 16, step: 0.05 })),
  diskSize: optional(oneOf(512, 10_240)),
  timeout: optional(number({ from: 1, to: 86_400 })),
  caPort: optional(number({ from: 1, to: 65_535 })),
  instanceConcurrency: optional(number({ from: 1, to: 200 })),
  instanceSoftConcurrency: optional(number({ from: 1, to: 200 })),
  environmentVariables: optional(texts),
  customRuntimeConfig: optional(mapping({ command: optional(list(text())), args: optional(list(text())) })),
  initializationTimeout: optional(number({ from: 1, to: 300 })),
  initializer: optional(text()),
  instanceLifecycleConfig: optional(mapping({ preFreeze: optional(hookShape), preStop: optional(hookShape) })),
  customHealthCheckConfig: optional(healthCheckShape),
  customDNS: optional(dnsShape),
  customContainerConfig: optional(containerShape),
  asyncConfiguration: notHonoured,
  instanceType: notHonoured,
  gpuMemorySize: notHonoured,
  layers: notHonoured,
  ossBucket: notHonoured,
  ossKey: notHonoured,
};

/** Bytes of all names and values of environmentVariables together (Function Compute, "Limits": 4 KB). */
const ENVIRONMENT_MAX_BYTES = 4096;

/** A function's keys, and the rules that concern several of them. */
function functionShape(node: YamlNode, position: Position): ValuesOf<typeof functionFields> {
  const values = mapping(functionFields)(node, position);
  const { instanceConcurrency = 1, instanceSoftConcurrency: soft, cpu, memorySize = 512 } = values;
  const placeOf = (key: string) => (node.kind === "map" ? node.entries.get(key) : undefined) ?? position.place;
  const refuse = (key: string, message: string): never => {
    throw new YamlError(placeOf(key), `${position.way}.${key}: ${message}`);
  };
  checkRuntimeKeys(values, refuse, (key, message) => {
    const place = placeOf(key);
    position.note(`${place.file}:${place.line}: ${position.way}.${key}: ${message}`);
  });
  if (soft !== undefined && soft > instanceConcurrency) {
    refuse("instanceSoftConcurrency", `expected at most instanceConcurrency (${instanceConcurrency}), got ${soft}`);
  }
  const gigabytesPerCpu = memorySize / 1024 / (cpu ?? 1);
  if (cpu !== undefined && (gigabytesPerCpu < 1 || gigabytesPerCpu > 4)) {
    refuse("cpu", `expected 1 to 4 GB of memorySize for each CPU, got cpu ${cpu} with memorySize ${memorySize} MB`);
  }
  const environment = Object.entries(values.environmentVariables ?? {});
  const amiss = environment.find(([name]) => !/^(?!FC_)[A-Za-z][A-Za-z0-9_]*$/.test(name))?.[0];
  if (amiss !== undefined) {
    refuse(
      "environmentVariables",
      `expected names of letters, digits and _ that begin with a letter and not with FC_, got ${amiss}`,
    );
  }
  const sizeBytes = environment.reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
  if (sizeBytes > ENVIRONMENT_MAX_BYTES) {
    refuse("environmentVariables", `expected at most ${ENVIRONMENT_MAX_BYTES} bytes in all, got ${sizeBytes}`);
  }
  return values;
}

const HTTP_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const;

/** Function Compute's, as an SDK would send it; what is meant by it is looked up by the platform. */
const qualifier = text({
  pattern: /^([1-9]\d*|[A-Za-z_][A-Za-z0-9_-]{0,127})$/,
  expected: "LATEST, the id of a version (as text), or the name of an alias",
});

const httpTriggerShape = mapping({
  name: needed(nameShape(128)),
  type: needed(oneOf("http")),
  description: optional(description),
  qualifier: optional(qualifier),
  role: notHonoured,
  sourceArn: notHonoured,
  config: needed(
    mapping({
      authType: optional(oneOf("anonymous", "function")),
      methods: optional(list(oneOf(...HTTP_METHODS))),
      disableURLInternet: optional(flag),
    }),
  ),
});

/** Trigger types of Function Compute that make no gRPC calls. */
const OTHER_TRIGGERS = ["timer", "oss", "log", "mns_topic", "cdn_events", "tablestore", "eventbridge"];

/** An http trigger; undefined, with a note, for one of another type. */
function triggerShape(node: YamlNode, position: Position) {
  const type = node.kind === "map" ? node.entries.get("type")?.node : undefined;
  if (type?.kind === "scalar" && OTHER_TRIGGERS.includes(String(type.value))) {
    position.note(`${node.file}:${node.line}: ${position.way}: triggers of type ${type.value} are not deployed`);
    return undefined;
  }
  const trigger = httpTriggerShape(node, position);
  if (trigger.config.methods?.includes("POST") === false) {
    position.note(
      `${node.file}:${node.line}: ${position.way}.config.methods: gRPC calls need POST, they will be refused`,
    );
  }
  return trigger;
}

const rewriteRules = list(mapping({ match: needed(text()), replacement: needed(text()) }));

/** Rules are looked at by the platform, which runs them. */
const rewriteShape = mapping({
  equalRules: optional(rewriteRules),
  wildcardRules: optional(rewriteRules),
  regexRules: optional(rewriteRules),
});

const domainShape = mapping({
  domainName: needed(
    text({
      pattern: /^(auto|(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+)$/i,
      expected: "a host name such as grpc.example.com",
    }),
  ),
  protocol: needed(oneOf("HTTP", "HTTPS", "HTTP,HTTPS")),
  routeConfigs: needed(
    list(
      mapping({
        path: needed(text({ pattern: /^\/([^*]*|[^*]*\/\*|\*)$/, expected: "an exact path, or one that ends in /*" })),
        serviceName: optional(text()),
        functionName: optional(text()),
        qualifier: optional(qualifier),
        methods: optional(list(oneOf(...HTTP_METHODS))),
        rewriteConfig: optional(rewriteShape),
      }),
    ),
  ),
  certConfig: optional(
    mapping({ certName: optional(text()), certificate: optional(text()), privateKey: optional(text()) }),
  ),
  certId: notHonoured,
  tlsConfig: notHonoured,
  wafConfig: notHonoured,
});

/** The keys of s.yaml itself. */
export const documentShape = mapping({
  edition: needed(anything),
  name: optional(text()),
  access: optional(text()),
  vars: optional(anything),
  services: needed(anything),
  extend: optional(anything),
  extends: optional(anything),
  actions: notHonoured,
});

/** The keys of one service beside its props. */
export const serviceEntryShape = mapping({
  component: needed(
    text({ pattern: /^(devsapp\/)?fc(@.+)?$/, expected: "fc, the component that Sluice itself stands in for" }),
  ),
  access: optional(text()),
  actions: optional(anything),
  props: needed(anything),
});

/** `actions.pre-deploy` and `actions.post-deploy`; those of other commands are for other commands. */
const actionShape = mapping({
  run: optional(text()),
  path: optional(text()),
  component: optional(text()),
  plugin: optional(text()),
  args: optional(anything),
});

export const propsShape = mapping({
  region: optional(text()),
  service: needed(serviceShape),
  function: needed(functionShape),
  triggers: optional(list(triggerShape)),
  customDomains: optional(list(domainShape)),
});

export const actionsShape = list(actionShape);

export type Props = ReturnType<typeof propsShape>;
export type TriggerProps = ReturnType<typeof httpTriggerShape>;
export type DomainProps = ReturnType<typeof domainShape>;
export type ActionProps = ReturnType<typeof actionShape>;
