import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../base/base.ts";
import { type HttpMethod, LATEST, type Trigger } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { EndpointInfo } from "../options.ts";
import type { Collection, KindWords, Page } from "./collection.ts";
import { defined } from "./defined.ts";
import type { Functions } from "./functions.ts";
import { keyOf } from "./functions.ts";
import type { Stored } from "./repository.ts";
import { newTriggerHost } from "./trigger-host.ts";
import { checked, flag, type ListQuery, name, qualifier, settings, text } from "./validation.ts";

export const triggerWords: KindWords = {
  notFound: "TriggerNotFound",
  alreadyExists: "TriggerAlreadyExists",
  describe: (key) => {
    const [serviceName, functionName, triggerName] = key.split("/");
    return `trigger '${triggerName}' of function '${functionName}' of service '${serviceName}'`;
  },
};

export const HTTP_METHODS: readonly HttpMethod[] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
/** Where a trigger names none. gRPC needs POST. */
const DEFAULT_METHODS: readonly HttpMethod[] = ["GET", "POST", "PUT", "DELETE"];

export const methodList = z.custom<HttpMethod[]>(
  (value) => Array.isArray(value) && value.length > 0 && value.every((each) => HTTP_METHODS.includes(each)),
  `a list of at least one of ${HTTP_METHODS.join(", ")}`,
);

const triggerConfig = z
  .object(
    {
      authType: z
        .custom<"anonymous" | "function">(
          (value) => value === "anonymous" || value === "function",
          "anonymous or function (this version of Sluice does not check JSON Web Tokens)",
        )
        .optional(),
      methods: methodList.optional(),
      disableURLInternet: flag().optional(),
    },
    "the settings of an http trigger",
  )
  .transform(({ authType, methods, disableURLInternet }) => ({
    // Function Compute's default: callers have to sign.
    authType: authType ?? "function",
    methods: methods ?? DEFAULT_METHODS,
    disableURLInternet: disableURLInternet ?? false,
  }));

const mutable = {
  description: text(256),
  qualifier,
  invocationRole: text(1024),
  triggerConfig,
};

const updateSchema = settings(mutable);
const createSchema = settings({ ...mutable, sourceArn: text(1024) }).extend({
  triggerName: name(128),
  triggerType: z.literal("http", "http (this version of Sluice has no triggers by time or event)"),
  triggerConfig,
});

/** Triggers: what makes a function callable from outside. */
export class Triggers {
  readonly #functions: Functions;
  readonly #triggers: Collection<"trigger">;
  readonly #endpoint: EndpointInfo;
  readonly #clock: Clock;

  constructor(functions: Functions, triggers: Collection<"trigger">, endpoint: EndpointInfo, clock: Clock) {
    this.#functions = functions;
    this.#triggers = triggers;
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  async create(serviceName: string, functionName: string, input: unknown): Promise<Stored<Trigger>> {
    const { triggerName, triggerType, triggerConfig: config, ...given } = checked(createSchema, input);
    const { region, domain } = this.#endpoint;
    const now = this.#clock.epochMs();
    const parent = `${keyOf(serviceName, functionName)}/`;
    return this.#triggers.create(parent + triggerName, async () => {
      const { qualifier: wanted = LATEST } = given;
      await this.#functions.check(serviceName, functionName, wanted);
      await this.#refuseSecond(parent, triggerName, wanted);
      return {
        serviceName,
        functionName,
        triggerName,
        triggerId: randomUUID(),
        triggerType,
        description: "",
        sourceArn: "",
        invocationRole: "",
        ...defined(given),
        qualifier: wanted,
        ...config,
        host: newTriggerHost(serviceName, functionName, region, domain),
        createdAt: now,
        lastModifiedAt: now,
      };
    });
  }

  async get(serviceName: string, functionName: string, triggerName: string): Promise<Stored<Trigger>> {
    const found = await this.#triggers.find(`${keyOf(serviceName, functionName)}/${triggerName}`);
    if (found !== undefined) return found;
    await this.#functions.get(serviceName, functionName);
    throw new ApiError("TriggerNotFound", `trigger '${triggerName}' does not exist in function '${functionName}'`);
  }

  async list(serviceName: string, functionName: string, query: ListQuery): Promise<Page<Trigger>> {
    await this.#functions.get(serviceName, functionName);
    return this.#triggers.list(`${keyOf(serviceName, functionName)}/`, query);
  }

  async update(
    serviceName: string,
    functionName: string,
    triggerName: string,
    input: unknown,
    ifMatch?: string,
  ): Promise<Stored<Trigger>> {
    const { triggerConfig: config, ...given } = checked(updateSchema, input);
    await this.get(serviceName, functionName, triggerName);
    const parent = `${keyOf(serviceName, functionName)}/`;
    return this.#triggers.update(parent + triggerName, ifMatch, async (current) => {
      const wanted = given.qualifier ?? current.qualifier;
      if (wanted !== current.qualifier) {
        await this.#functions.check(serviceName, functionName, wanted);
        await this.#refuseSecond(parent, triggerName, wanted);
      }
      return { ...current, ...defined(given), ...config, lastModifiedAt: this.#clock.epochMs() };
    });
  }

  async delete(serviceName: string, functionName: string, triggerName: string, ifMatch?: string): Promise<void> {
    await this.get(serviceName, functionName, triggerName);
    return this.#triggers.delete(`${keyOf(serviceName, functionName)}/${triggerName}`, ifMatch, async () => {});
  }

  /** Function Compute: one http trigger for each qualifier. */
  async #refuseSecond(parent: string, triggerName: string, wanted: string): Promise<void> {
    const all = await this.#triggers.all(parent);
    const other = all.find((each) => each.triggerName !== triggerName && each.qualifier === wanted);
    if (other === undefined) return;
    const whose = wanted === LATEST ? "that a function can have" : `that a function can have for '${wanted}'`;
    invalid(`triggerName: expected '${other.triggerName}', the one http trigger ${whose}, got '${triggerName}'`);
  }
}
