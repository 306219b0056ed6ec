import type { Alias } from "../../model/model.ts";
import { timeText } from "../http/answers.ts";

/** An alias as this API answers it. */
export function aliasDocument(alias: Alias): Record<string, unknown> {
  return {
    aliasName: alias.aliasName,
    versionId: alias.versionId,
    description: alias.description,
    additionalVersionWeight: alias.additionalVersionWeight,
    resolvePolicy: alias.resolvePolicy,
    createdTime: timeText(alias.createdAt),
    lastModifiedTime: timeText(alias.lastModifiedAt),
  };
}
