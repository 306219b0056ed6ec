import type { Service } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";

/** A service as this API answers it. */
export function serviceDocument(service: Service): Record<string, unknown> {
  return {
    serviceName: service.serviceName,
    serviceId: service.serviceId,
    description: service.description,
    role: service.role,
    internetAccess: service.internetAccess,
    logConfig: service.logConfig,
    vpcConfig: service.vpcConfig,
    nasConfig: service.nasConfig,
    ossMountConfig: service.ossMountConfig,
    tracingConfig: service.tracingConfig,
    createdTime: timeText(service.createdAt),
    lastModifiedTime: timeText(service.lastModifiedAt),
  };
}
