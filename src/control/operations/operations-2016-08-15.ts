/** Every operation of API 2016-08-15, as Serverless Devs and the SDK `fc2` have them. */
import { ZIP_IN_BODY_MAX_BYTES } from "../code/limits.ts";
import { commonOperations, FUNCTION, NEXT, SERVICE } from "./common.ts";
import { WITHOUT } from "./features.ts";
import { complete, empty, missing, nothingToDelete, type Operation, refused } from "./operation.ts";

/** Calls of functions before their triggers had hosts. Any method, and whatever path follows, is answered like this row. */
export const proxyInvoke = refused("ProxyInvoke", "POST", "/proxy/{serviceName}/{functionName}", WITHOUT.proxy);

const UPLOAD_TOKEN_QUERY = ["functionName", "instanceType"];

export const operations20160815: readonly Operation[] = [
  ...commonOperations,

  complete("UntagResource", "DELETE", "/tag", "RequestId", { body: "UntagInput" }),

  empty("ListVpcBindings", `${SERVICE}/bindings`, { vpcIds: [] }),
  nothingToDelete("DeleteVpcBinding", `${SERVICE}/binding/{vpcId}`),
  refused("CreateVpcBinding", "POST", `${SERVICE}/binding`, WITHOUT.vpc, { body: "AnyInput" }),

  missing("GetLayerVersionByArn", "GET", "/layerarn/{arn}", { code: "LayerVersionNotFound", what: "layer '{arn}'" }),

  empty("ListReservedCapacities", "/reservedCapacities", { reservedCapacities: [] }, NEXT),

  empty("GetAccountConfigs", "/accountConfigs", { CodeSizeLimit: ZIP_IN_BODY_MAX_BYTES }, ["config"]),
  refused("GetTempBucketToken", "GET", "/tempBucketToken", WITHOUT.uploads),
  refused("GetTempCodeBucketToken", "GET", `${SERVICE}/tempCodeBucketToken`, WITHOUT.uploads, {
    query: UPLOAD_TOKEN_QUERY,
  }),

  refused("InstanceExec", "GET", `${FUNCTION}/instances/{instanceId}/exec`, WITHOUT.exec, {
    query: ["command", "idleTimeout", "stderr", "stdin", "stdout", "tty"],
  }),
  proxyInvoke,
];
