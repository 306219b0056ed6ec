/** The SDK of API 2016-08-15, which has no types of its own: what the tests use of it. */
declare module "@alicloud/fc2" {
  interface Fc2Answer {
    readonly headers: Readonly<Record<string, string>>;
    /** JSON, parsed; else text, or a Buffer where it was asked for. */
    // biome-ignore lint/suspicious/noExplicitAny: as the SDK gives it
    readonly data: any;
  }

  /** Arguments as its source says; every method but `instanceExec` resolves to an answer, and rejects with an Fc2Error. */
  type Fc2Call = (...args: readonly unknown[]) => Promise<Fc2Answer>;

  type Fc2CallName =
    | "createService"
    | "listServices"
    | "getService"
    | "updateService"
    | "deleteService"
    | "createFunction"
    | "listFunctions"
    | "getFunction"
    | "getFunctionCode"
    | "updateFunction"
    | "deleteFunction"
    | "invokeFunction"
    | "getTempCodeBucketPermission"
    | "getTempBucketToken"
    | "getAccountConfigs"
    | "getAccountSettings"
    | "createTrigger"
    | "listTriggers"
    | "getTrigger"
    | "updateTrigger"
    | "deleteTrigger"
    | "createCustomDomain"
    | "listCustomDomains"
    | "getCustomDomain"
    | "updateCustomDomain"
    | "deleteCustomDomain"
    | "publishVersion"
    | "listVersions"
    | "deleteVersion"
    | "createAlias"
    | "deleteAlias"
    | "listAliases"
    | "getAlias"
    | "updateAlias"
    | "tagResource"
    | "untagResource"
    | "getResourceTags"
    | "listReservedCapacities"
    | "listProvisionConfigs"
    | "getProvisionConfig"
    | "putProvisionConfig"
    | "deleteFunctionAsyncConfig"
    | "listFunctionAsyncConfigs"
    | "getFunctionAsyncConfig"
    | "putFunctionAsyncConfig"
    | "listLayers"
    | "listLayerVersions"
    | "getLayerVersion"
    | "getLayerVersionByArn"
    | "publishLayerVersion"
    | "publishLayerVersionForBigCode"
    | "putLayerACL"
    | "deleteLayerVersion"
    | "listOnDemandConfigs"
    | "getOnDemandConfig"
    | "putOnDemandConfig"
    | "deleteOnDemandConfig"
    | "listInstances";

  interface Fc2Options {
    readonly accessKeyID: string;
    readonly accessKeySecret: string;
    readonly region: string;
    /** With its scheme. */
    readonly endpoint: string;
    readonly headers?: Readonly<Record<string, string>>;
  }

  interface Fc2Exec {
    readonly onError?: (error: Error) => void;
    readonly onClose?: (code: unknown) => void;
  }

  type Fc2Client = { readonly [name in Fc2CallName]: Fc2Call } & {
    readonly get: Fc2Call;
    readonly post: Fc2Call;
    readonly put: Fc2Call;
    readonly delete: Fc2Call;
    instanceExec(
      serviceName: string,
      functionName: string,
      qualifier: string,
      instanceId: string,
      options: object,
      hooks: Fc2Exec,
    ): Promise<unknown>;
  };

  const Client: { new (accountId: string, options: Fc2Options): Fc2Client };
  namespace Client {
    export type { Fc2Answer, Fc2CallName, Fc2Client };
  }
  export = Client;
}
