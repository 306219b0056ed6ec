import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { apiErrorStatus } from "../api-error.ts";
import { openApi } from "../control.ts";
import { type ControlUnderTest, withControl } from "../testing/control-under-test.ts";
import { createFunction } from "../testing/samples.ts";
import { type RawAnswer, send } from "../testing/signed-request.ts";
import { type Dialect, OPERATIONS, type Operation } from "./operations.ts";

const ERROR_KEYS = ["Code", "Message", "RequestId", "ErrorCode", "ErrorMessage"];

/** The path with service `svc` and function `fn`, and nothing else that is there. */
function pathOf(dialect: Dialect, { path }: Operation, service = "svc"): string {
  const names: Record<string, string> = { serviceName: service, functionName: "fn", sourceArn: "acs:mns:x:1:y%2Fz" };
  return `/${dialect}${path.replace(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? "no-such")}`;
}

function ask({ control }: ControlUnderTest, dialect: Dialect, operation: Operation, service?: string) {
  const { method } = operation;
  const hasBody = method === "POST" || method === "PUT";
  return send(control.apiPort, { method, path: pathOf(dialect, operation, service), ...(hasBody && { body: "{}" }) });
}

function assertError(answer: RawAnswer, status: number, code: string, label: string): void {
  assert.equal(answer.headers["content-type"]?.startsWith("application/json"), true, label);
  const body = answer.json();
  assert.deepEqual(Object.keys(body).sort(), [...ERROR_KEYS].sort(), label);
  assert.equal(body["Code"], code, `${label}: ${answer.text}`);
  assert.equal(body["ErrorCode"], code, label);
  assert.equal(body["Message"], body["ErrorMessage"], label);
  assert.equal(body["RequestId"], answer.headers["x-fc-request-id"], label);
  assert.equal(answer.status, status, label);
}

/** Asks each operation of a service that has one function, and nothing else. */
async function walk(underTest: ControlUnderTest, dialect: Dialect): Promise<void> {
  for (const operation of OPERATIONS[dialect]) {
    // What it does is tested elsewhere; here it must be there. Deletions would take away what the others are asked of.
    if (operation.verdict === "complete" && operation.method === "DELETE") continue;
    const label = `${dialect} ${operation.name}`;
    const answer = await ask(underTest, dialect, operation);
    assert.notEqual(answer.headers["x-fc-request-id"], undefined, label);
    if (operation.verdict === "refused") {
      assertError(answer, apiErrorStatus[operation.code], operation.code, label);
      assert.equal(answer.json()["Message"], `${operation.name}: ${operation.sentence}`);
    } else if (operation.verdict === "complete") {
      if (answer.status >= 400) assert.notEqual(answer.json()["Code"], "PathNotSupported", label);
      if (answer.status === 200) assert.notEqual(answer.text, "", label);
      assert.notEqual(answer.status, 500, label);
    } else if (operation.answer.kind === "body") {
      assert.equal(answer.status, 200, label);
      assert.deepEqual(answer.json(), operation.answer.body, label);
    } else if (operation.answer.kind === "none") {
      assert.equal(answer.status, 204, label);
      assert.equal(answer.text, "", label);
      assert.equal(answer.headers["content-type"], undefined, label);
    } else {
      assertError(answer, 404, operation.answer.code, label);
      assert.doesNotMatch(answer.text, /\{\w+\}/, label);
    }
    if (operation.verdict === "empty" && operation.path.includes("{serviceName}")) {
      assertError(await ask(underTest, dialect, operation, "none"), 404, "ServiceNotFound", label);
    }
  }
}

describe("the table of operations", () => {
  for (const dialect of Object.keys(OPERATIONS) as Dialect[]) {
    test(`${dialect}: a running control plane answers every row as the table says`, () =>
      withControl(async (underTest) => {
        await createFunction(underTest);
        await walk(underTest, dialect);
        const description = await fetch(`${underTest.url}/openapi/${dialect}.json`);
        assert.deepEqual(await description.json(), JSON.parse(JSON.stringify(openApi(dialect))));
      }));

    test(`${dialect}: no name and no route stands twice`, () => {
      const names = OPERATIONS[dialect].map(({ name }) => name);
      const routes = OPERATIONS[dialect].map(({ method, path }) => `${method} ${path}`);
      assert.equal(new Set(names).size, names.length);
      assert.equal(new Set(routes).size, routes.length);
    });

    test(`${dialect}: the OpenAPI description leads nowhere that it does not describe`, () => {
      const text = JSON.stringify(openApi(dialect));
      const document = JSON.parse(text) as { paths: object; components: Record<string, Record<string, unknown>> };
      for (const [, section, name] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)) {
        assert.notEqual(document.components[section ?? ""]?.[name ?? ""], undefined, `${section} ${name}`);
      }
      const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
      assert.equal(operations.length, OPERATIONS[dialect].length);
    });
  }
});
