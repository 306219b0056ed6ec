import { invalid } from "../api-error.ts";
import type { DialectTraits } from "../dialect/traits.ts";
import { parseJson } from "../http/answers.ts";

/** API 2021-04-06, which the official SDK `fc-open20210406` speaks: settings of triggers are a text that holds JSON. */
export const traits20210406: DialectTraits = {
  version: "2021-04-06",
  readTriggerConfig(sent) {
    if (typeof sent === "string") return parseJson(sent, "triggerConfig");
    return invalid("triggerConfig: expected a text that holds JSON, got an object (as API 2016-08-15 has it)");
  },
  writeTriggerConfig: (config) => JSON.stringify(config),
};
