import type { Version } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";

/** A version as this API answers it. */
export function versionDocument(version: Version): Record<string, unknown> {
  return {
    versionId: version.versionId,
    description: version.description,
    createdTime: timeText(version.createdAt),
    lastModifiedTime: timeText(version.lastModifiedAt),
  };
}
