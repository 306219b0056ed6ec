/**
 * The resources that people create through the control API, as they are stored. Setting names are Function Compute's
 * own (API 2021-04-06), so that they mean here what its manual says; every dialect translates to and from these.
 * All points in time are Unix epoch milliseconds.
 */
import type { ProvisionConfig } from "./provision.ts";

/** Plain JSON of a setting that Sluice keeps and shows but gives no effect. */
export type KeptSetting = Readonly<Record<string, unknown>>;

/** Named group of functions with shared settings. Store key: `serviceName`. */
export interface Service {
  readonly serviceName: string;
  readonly serviceId: string;
  readonly description: string;
  /** Whether instances may open connections to the outside. Default true. */
  readonly internetAccess: boolean;
  readonly role: string;
  readonly logConfig?: KeptSetting;
  readonly vpcConfig?: KeptSetting;
  readonly nasConfig?: KeptSetting;
  readonly ossMountConfig?: KeptSetting;
  readonly tracingConfig?: KeptSetting;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/** An unpacked code package, named by the content of its zip. */
export interface CodePackage {
  /** SHA-256 of the zip, lower-case hex: names the folder and the kept zip. */
  readonly sha256: string;
  /** CRC-64/XZ of the zip as a decimal string: Function Compute's `codeChecksum`. */
  readonly checksum: string;
  /** Size of the zip. */
  readonly sizeBytes: number;
  /** Whether a file `bootstrap` stands at the root, which matters only without `customRuntimeConfig.command`. */
  readonly hasBootstrap: boolean;
}

/** Code and configuration. Store key: `serviceName/functionName`. */
export type FunctionResource = FunctionSettings & FunctionSource;

/** What a function runs: an unpacked code package, or, with runtime `custom-container`, an image. Never both. */
export type FunctionSource =
  | { readonly code: CodePackage; readonly customContainerConfig?: never }
  | { readonly code?: never; readonly customContainerConfig: ContainerSetting };

/** An image with what is started in it; `command` and `args` are JSON lists of texts, as the API takes them. */
export interface ContainerSetting {
  /** As the user wrote it: `registry/repository:tag`. */
  readonly image: string;
  /** Id (`sha256:...`) to which the reference led when it was written: what runs, until it is written again. */
  readonly imageId: string;
  /** In place of the image's ENTRYPOINT; empty: that. */
  readonly command: string;
  /** In place of the image's CMD; empty: that. */
  readonly args: string;
  /** Kept and shown; no acceleration here needs it. */
  readonly accelerationType: "Default" | "None";
  /** Registry instance of Function Compute's cloud: kept and shown. */
  readonly instanceID: string;
  /** User name and password for the registry, encrypted; absent: those of `docker login`, if any. */
  readonly sealedCredentials?: string;
}

/** customDNS, as the API takes and answers it. */
export interface DnsSetting {
  readonly nameServers?: readonly string[] | undefined;
  readonly searches?: readonly string[] | undefined;
  readonly dnsOptions?:
    | readonly { readonly name?: string | undefined; readonly value?: string | undefined }[]
    | undefined;
}

/** A function's settings beside what it runs. */
export interface FunctionSettings {
  readonly serviceName: string;
  readonly functionName: string;
  readonly functionId: string;
  readonly description: string;
  /** `custom`, `custom.debian9` to `custom.debian12`, or `custom-container`. */
  readonly runtime: string;
  readonly handler: string;
  /** MB, 128..32768 in steps of 64. */
  readonly memorySize: number;
  /** CPUs, 0.05..16 in steps of 0.05; absent: not capped. */
  readonly cpu?: number;
  /** MB: 512 or 10240. */
  readonly diskSize: number;
  /** Seconds, 1..86400. */
  readonly timeout: number;
  /** Its text means nothing to a custom runtime: empty switches the hook off, anything else on. */
  readonly initializer: string;
  /** Seconds, 1..300; bounds the initializer alone. */
  readonly initializationTimeout: number;
  /** Port that the program listens on, 1..65535. */
  readonly caPort: number;
  /** Calls at once on one instance, 1..200. */
  readonly instanceConcurrency: number;
  /** 1..instanceConcurrency; absent: the same as instanceConcurrency. */
  readonly instanceSoftConcurrency?: number;
  readonly instanceType: string;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly layers: readonly string[];
  readonly customRuntimeConfig?: { readonly command: readonly string[]; readonly args: readonly string[] };
  readonly customHealthCheckConfig?: HealthCheckSetting;
  readonly customDNS?: DnsSetting;
  readonly instanceLifecycleConfig?: LifecycleSetting;
  /** Counts the creation and every update of this function from 1: "revision N" in messages to people. */
  readonly revisionNumber: number;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/** A hook of an instance: on where `handler` is not empty; its text means nothing to a custom runtime. */
export interface HookSetting {
  readonly handler?: string;
  /** Seconds, 1..90; absent: 3. */
  readonly timeout?: number;
}

export interface LifecycleSetting {
  readonly preFreeze?: HookSetting;
  readonly preStop?: HookSetting;
}

/** How instances are checked while they run: not at all where `httpGetUrl` is absent or empty. */
export interface HealthCheckSetting {
  /** Path and query on caPort. */
  readonly httpGetUrl?: string;
  /** 0..120; absent: 0. */
  readonly initialDelaySeconds?: number;
  /** 1..120; absent: 3. */
  readonly periodSeconds?: number;
  /** 1..3; absent: 1. */
  readonly timeoutSeconds?: number;
  /** 1..120; absent: 3. */
  readonly failureThreshold?: number;
  /** 1..120; absent: 1. */
  readonly successThreshold?: number;
}

export type HttpMethod = "GET" | "POST" | "PUT" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS";

/** Makes a function callable from outside. Store key: `serviceName/functionName/triggerName`. */
export interface Trigger {
  readonly serviceName: string;
  readonly functionName: string;
  readonly triggerName: string;
  readonly triggerId: string;
  readonly triggerType: "http";
  readonly description: string;
  /** What callers get: `LATEST`, a version or an alias. A function has one http trigger for each. */
  readonly qualifier: string;
  /** `function`: callers must sign, as Function Compute defaults to. */
  readonly authType: "anonymous" | "function";
  readonly methods: readonly HttpMethod[];
  /** Switches the generated host off; custom domains still work. */
  readonly disableURLInternet: boolean;
  readonly sourceArn: string;
  readonly invocationRole: string;
  /** Generated host name, kept for the trigger's life. URLs are composed from it when read. */
  readonly host: string;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/** `match` says what of a path is replaced; `$1` in the replacement is what the first group or `*` took. */
export interface RewriteRule {
  readonly match: string;
  readonly replacement: string;
}

/** How a route changes the path before the instance sees it: the first rule that matches, in the order of the kinds. */
export interface RewriteConfig {
  /** Paths as a whole. */
  readonly equalRules: readonly RewriteRule[];
  /** `*` takes anything; `^` at the beginning binds to the path's beginning. */
  readonly wildcardRules: readonly RewriteRule[];
  /** Regular expressions in RE2's syntax. */
  readonly regexRules: readonly RewriteRule[];
}

/** One row of a custom domain: a path and the function that serves it. */
export interface DomainRoute {
  /** Exact, or a prefix that ends in `/*`. */
  readonly path: string;
  readonly serviceName: string;
  readonly functionName: string;
  /** `LATEST`, a version or an alias. */
  readonly qualifier: string;
  /** Absent: whatever the function's trigger allows. */
  readonly methods?: readonly HttpMethod[];
  /** Absent: the instance sees the path as it came. */
  readonly rewriteConfig?: RewriteConfig;
}

/** Certificate and key of a custom domain, PEM. The key is never returned by the API. */
export interface DomainCertificate {
  readonly certName: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** How a certificate by ACME (RFC 8555) stands. */
export interface AcmeProgress {
  /** `pending`: none yet. `valid`: it came. `failing`: the last try did not work; what was there before is shown. */
  readonly state: "pending" | "valid" | "failing";
  /** When it is tried (again) or renewed, Unix epoch milliseconds. */
  readonly nextAt: number;
  /** Tries without success since the last one with it. */
  readonly failures: number;
  /** Why the last try failed. */
  readonly problem?: string;
}

/** Host name of the user's own, with certificate and routes. Store key: `domainName` in lower case. */
export interface CustomDomain {
  readonly domainName: string;
  /** `HTTP`, `HTTPS` or `HTTP,HTTPS`. gRPC is served over TLS alone: a domain with `HTTP` is not. */
  readonly protocol: string;
  readonly routes: readonly DomainRoute[];
  /** What the user gave, or what came by ACME. */
  readonly certificate?: DomainCertificate;
  /** Issued by the local CA of custom domains: shown while there is no other. */
  readonly localCertificate?: DomainCertificate;
  /** The certificate comes by ACME; absent: it does not. */
  readonly acme?: AcmeProgress;
  readonly tlsConfig?: KeptSetting;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/**
 * An immutable copy of a service and all its functions, without triggers; the functions stand beside it under
 * `serviceName/versionId/functionName`. Store key: `serviceName/versionId`.
 */
export interface Version {
  readonly serviceName: string;
  /** An integer from 1, never given twice. */
  readonly versionId: string;
  readonly description: string;
  /** The service's settings. */
  readonly service: Service;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/** Counts a service's versions, also those that are deleted. Store key: `serviceName`. */
export interface VersionCounter {
  readonly lastVersionId: number;
}

/** A name for a version, and maybe a share of the calls for another one. Store key: `serviceName/aliasName`. */
export interface Alias {
  readonly serviceName: string;
  readonly aliasName: string;
  /** A version, or `LATEST`. */
  readonly versionId: string;
  readonly description: string;
  /** Shares of the calls for other versions, each from 0 to 1; at most one (Function Compute). */
  readonly additionalVersionWeight: Readonly<Record<string, number>>;
  readonly resolvePolicy: "Random";
  /** Main versions of before, the last one at the end: where a rollback goes. */
  readonly previousVersionIds: readonly string[];
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

/** Tags of a service. Store key: `serviceName`. */
export interface ResourceTags {
  readonly serviceName: string;
  /** At least one. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Most instances of a function under one qualifier. Store key: `serviceName/functionName/qualifier`. */
export interface OnDemandSetting {
  readonly serviceName: string;
  readonly functionName: string;
  /** `LATEST` or an alias. */
  readonly qualifier: string;
  /** 0: none, which blocks the function. */
  readonly maximumInstanceCount: number;
}

/** Provisioned instances of a function under one qualifier. Store key: `serviceName/functionName/qualifier`. */
export interface ProvisionSetting {
  readonly serviceName: string;
  readonly functionName: string;
  /** `LATEST` or an alias. */
  readonly qualifier: string;
  readonly config: ProvisionConfig;
}

/** A key that requests of the API and calls are signed with, by its id. Store key: `accessKeyId`. */
export interface AccessKeySetting {
  readonly accessKeyId: string;
  readonly description: string;
  /** Encrypted; absent for the first key, whose secret stands in `credentials.json`. */
  readonly sealedSecret?: string;
  /** For good. */
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}
