/** The OpenAPI 3.1 description of a dialect, made of the table. Pure. */
import type { Operation } from "./operation.ts";
import { type Dialect, OPERATIONS } from "./operations.ts";
import { SCHEMAS, type Schema, TRIGGER_CONFIG } from "./schemas.ts";

const JSON_TYPE = "application/json";

/** Plain JSON. */
export function openApi(dialect: Dialect): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS[dialect]) {
    const path = `/${dialect}${operation.path}`;
    paths[path] ??= {};
    paths[path][operation.method.toLowerCase()] = describe(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: `Sluice, API ${dialect}`,
      version: dialect,
      description:
        "Function Compute's API as Sluice serves it. x-sluice-verdict: complete (does what Function Compute does), " +
        "empty (Sluice does not have it: answers as for an account that does not use it), refused (a write of what " +
        "Sluice does not have).",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "http://127.0.0.1:8085" }],
    security: [{ signature: [] }],
    paths,
    components: {
      schemas: { ...SCHEMAS, TriggerConfig: TRIGGER_CONFIG[dialect === "2016-08-15" ? "object" : "text"] },
      securitySchemes: {
        signature: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description: "The signature of Alibaba Cloud's SDKs, which they make of the access key.",
        },
      },
      responses: {
        Error: {
          description: "Refused, or failed",
          headers: { "X-Fc-Request-Id": { schema: { type: "string" } } },
          content: { [JSON_TYPE]: { schema: reference("Error") } },
        },
      },
    },
  };
}

function describe(operation: Operation): Record<string, unknown> {
  const { name, path, verdict, query = [], headers = [], body } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => parameter(each ?? "", "path"));
  const parameters = [
    ...inPath,
    ...query.map((each) => parameter(each, "query")),
    ...headers.map((each) => parameter(each, "header")),
  ];
  return {
    operationId: name,
    "x-sluice-verdict": verdict,
    ...(operation.verdict === "refused" && { description: `${operation.code}: ${operation.sentence}` }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { content: { [JSON_TYPE]: { schema: reference(body) } } } }),
    ...(bytesIn(operation) && { requestBody: bytes() }),
    responses: { ...success(operation), default: { $ref: "#/components/responses/Error" } },
  };
}

function success(operation: Operation): Record<string, unknown> {
  if (operation.verdict === "refused") return {};
  if (operation.verdict === "empty") {
    const { answer } = operation;
    if (answer.kind === "missing") return {};
    if (answer.kind === "none") return { 204: { description: "There is nothing of the kind" } };
    const schema = { type: "object", const: answer.body };
    return { 200: { description: "There is nothing of the kind", content: { [JSON_TYPE]: { schema } } } };
  }
  if (operation.answer === "none") return { 204: { description: "Done" } };
  if (operation.answer === "bytes") return { 200: { description: "What the function answered", ...bytes() } };
  return { 200: { description: "Done", content: { [JSON_TYPE]: { schema: reference(operation.answer) } } } };
}

/** An event goes in as it is, where an answer comes out so. */
function bytesIn(operation: Operation): boolean {
  return operation.verdict === "complete" && operation.answer === "bytes";
}

function bytes(): { content: Record<string, unknown> } {
  return { content: { "application/octet-stream": {} } };
}

function parameter(name: string, where: "path" | "query" | "header"): Record<string, unknown> {
  return { name, in: where, ...(where === "path" && { required: true }), schema: { type: "string" } };
}

function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}
