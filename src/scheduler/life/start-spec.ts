import type { StartSpec } from "../../drivers/driver.ts";
import type { InstanceId, Revision } from "../../model/model.ts";
import type { SchedulerLimits } from "../limits.ts";

/**
 * What the driver is told to start: the program with the environment of Function Compute's runtime contract ("Custom
 * runtime, environment variables"). Ports, PATH and HOME are the driver's.
 */
export function startSpec(
  instanceId: InstanceId,
  revision: Revision,
  limits: SchedulerLimits,
  region: string,
): StartSpec {
  return {
    instanceId,
    function: revision.function,
    codeDir: revision.codeDir,
    command: revision.command,
    hasCommand: revision.hasCommand,
    environment: {
      ...revision.environment,
      FC_FUNC_CODE_PATH: "/code",
      FC_ACCOUNT_ID: revision.accountId,
      FC_REGION: region,
      FC_SERVICE_NAME: revision.serviceName,
      FC_FUNCTION_NAME: revision.functionName,
      FC_FUNCTION_HANDLER: revision.handler,
      FC_FUNCTION_MEMORY_SIZE: String(revision.memoryMb),
      FC_QUALIFIER: revision.qualifier,
      ...versionVariable(revision),
      FC_INSTANCE_ID: instanceId,
    },
    caPort: revision.caPort,
    memoryMb: revision.memoryMb,
    diskMb: revision.diskMb,
    ...(revision.cpu !== undefined && { cpu: revision.cpu }),
    internetAccess: revision.internetAccess,
    ...(revision.dns !== undefined && { dns: revision.dns }),
    ...(revision.image !== undefined && { image: revision.image }),
    startLimitMs: limits.startLimitMs,
  };
}

/** Runtimes from Debian 11 on have another name for it. */
function versionVariable({ runtime, versionId }: Revision): Record<string, string> {
  if (versionId === undefined) return {};
  const isNewer = runtime === "custom.debian11" || runtime === "custom.debian12";
  return { [isNewer ? "FC_FUNCTION_VERSION" : "FC_VER_ID"]: versionId };
}
