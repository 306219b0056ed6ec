import { invalid } from "../api-error.ts";
import { refuse } from "../dialect/table-routes.ts";
import type { DialectTraits } from "../dialect/traits.ts";
import { proxyInvoke } from "../operations/operations-2016-08-15.ts";

/** API 2016-08-15, which Serverless Devs and the SDK `fc2` speak: settings of triggers are an object. */
export const traits20160815: DialectTraits = {
  version: "2016-08-15",
  readTriggerConfig(sent) {
    if (typeof sent !== "string") return sent;
    return invalid("triggerConfig: expected an object, got a text (as API 2021-04-06 has it)");
  },
  writeTriggerConfig: (config) => config,
  addRoutes: (app) => app.all("/proxy/*", () => refuse(proxyInvoke)),
};
