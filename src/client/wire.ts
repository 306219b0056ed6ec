/**
 * The API's documents as they go over the wire: the part of Function Compute's API 2021-04-06 that Sluice's own tools
 * use. Keys are Function Compute's; what a server may leave out is optional.
 */

import type { DnsSetting, HealthCheckSetting, LifecycleSetting, RewriteConfig } from "../model/model.ts";

export interface ServiceDocument {
  readonly serviceName: string;
  readonly description?: string;
  readonly internetAccess?: boolean;
}

export interface FunctionDocument {
  readonly functionName: string;
  readonly description?: string;
  readonly runtime: string;
  readonly handler?: string;
  /** Only in requests: the zip, base64, or the id of a package that was put. */
  readonly code?: { readonly zipFile: string } | { readonly packageId: string };
  readonly codeChecksum?: string;
  /** MB. */
  readonly memorySize?: number;
  readonly cpu?: number;
  /** MB. */
  readonly diskSize?: number;
  /** Seconds. */
  readonly timeout?: number;
  readonly caPort?: number;
  readonly instanceConcurrency?: number;
  readonly instanceSoftConcurrency?: number;
  readonly environmentVariables?: Readonly<Record<string, string>>;
  readonly customRuntimeConfig?: { readonly command?: readonly string[]; readonly args?: readonly string[] };
  /** With runtime custom-container, in place of `code`; `command` and `args` are texts that hold JSON lists. */
  readonly customContainerConfig?: {
    readonly image: string;
    readonly command?: string;
    readonly args?: string;
    /** Only in requests. */
    readonly registryConfig?: { readonly authConfig?: { readonly userName: string; readonly password: string } };
    readonly [other: string]: unknown;
  };
  readonly customDNS?: DnsSetting;
  readonly initializer?: string;
  /** Seconds. */
  readonly initializationTimeout?: number;
  readonly instanceLifecycleConfig?: LifecycleSetting;
  readonly customHealthCheckConfig?: HealthCheckSetting;
  readonly [other: string]: unknown;
}

export interface TriggerDocument {
  readonly triggerName: string;
  readonly triggerType: string;
  readonly description?: string;
  readonly qualifier?: string;
  /** A string that holds JSON. */
  readonly triggerConfig: string;
  readonly urlInternet?: string;
}

export interface VersionDocument {
  readonly versionId: string;
  readonly description?: string;
  readonly createdTime?: string;
}

export interface AliasDocument {
  readonly aliasName: string;
  readonly versionId: string;
  readonly description?: string;
  /** Share of the calls, 0 to 1, by version. */
  readonly additionalVersionWeight?: Readonly<Record<string, number>>;
}

/** Provisioned instances of a function under a qualifier. */
export interface ProvisionConfigDocument {
  /** `account#service#qualifier#function`. */
  readonly resource: string;
  readonly target: number;
}

export interface RouteDocument {
  readonly path: string;
  readonly serviceName: string;
  readonly functionName: string;
  readonly qualifier?: string;
  readonly methods?: readonly string[];
  readonly rewriteConfig?: RewriteConfig;
}

export interface CustomDomainDocument {
  readonly domainName: string;
  /** `HTTP`, `HTTPS` or `HTTP,HTTPS`. */
  readonly protocol: string;
  readonly routeConfig?: { readonly routes: readonly RouteDocument[] };
  /** PEM texts; the private key is never answered. `acme` or `local` alone: the certificate comes from there. */
  readonly certConfig?: { readonly certName: string; readonly certificate?: string; readonly privateKey?: string };
  /** Only answered: what is not well, one sentence each. */
  readonly warnings?: readonly string[];
}
