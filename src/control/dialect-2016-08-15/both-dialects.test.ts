import assert from "node:assert/strict";
import { test } from "node:test";
import { OPERATIONS } from "../operations/operations.ts";
import { fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

/** What a read needs beside its path. */
const QUERIES: Readonly<Record<string, string>> = { GetResourceTags: "resourceArn=services%2Fsvc" };

const TRIGGERS = "/2016-08-15/services/svc/functions/fn/triggers";

test("triggerConfig is an object here and a text in 2021-04-06, both ways, on the same trigger", () =>
  withControl(async (underTest) => {
    const { sdk, control } = underTest;
    const ask = (method: string, path: string, body?: object) =>
      send(control.apiPort, { method, path, ...(body && { body: JSON.stringify(body) }) });
    await createFunction(underTest);
    await createTrigger(underTest, { methods: ["POST"] });
    const first = { authType: "anonymous", methods: ["POST"], disableURLInternet: false };
    const read = await ask("GET", `${TRIGGERS}/http`);
    assert.deepEqual(read.json()["triggerConfig"], first);
    const listed = (await ask("GET", TRIGGERS)).json()["triggers"] as Record<string, unknown>[];
    assert.deepEqual(
      listed.map((each) => each["triggerConfig"]),
      [first],
    );

    const second = { authType: "function", methods: ["GET", "POST"], disableURLInternet: true };
    const updated = await ask("PUT", `${TRIGGERS}/http`, { triggerConfig: second });
    assert.deepEqual(updated.json()["triggerConfig"], second);
    assert.equal(updated.json()["urlInternet"], read.json()["urlInternet"]);
    const { body } = await sdk.getTrigger("svc", "fn", "http");
    assert.deepEqual(JSON.parse(body.triggerConfig ?? ""), second);

    const text = await ask("PUT", `${TRIGGERS}/http`, { triggerConfig: JSON.stringify(first) });
    assert.equal(text.status, 400);
    assert.match(String(text.json()["ErrorMessage"]), /triggerConfig: expected an object, got a text/);
    const object = await ask("PUT", `${TRIGGERS.replace("2016-08-15", "2021-04-06")}/http`, { triggerConfig: first });
    assert.equal(object.status, 400);
    assert.match(String(object.json()["Message"]), /triggerConfig: expected a text that holds JSON, got an object/);
  }));

test("a qualifier stands behind the service's name, and only reads and what has a qualifier take one", () =>
  withControl(async (underTest) => {
    const { sdk, control } = underTest;
    const ask = (method: string, path: string, body?: object) =>
      send(control.apiPort, { method, path: `/2016-08-15${path}`, ...(body && { body: JSON.stringify(body) }) });
    await createFunction(underTest, { description: "first" });
    await publish(underTest);
    await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
    await ask("PUT", "/services/svc.LATEST/functions/fn", { description: "second" });
    const descriptionOf = async (path: string) => (await ask("GET", path)).json()["description"];
    assert.equal(await descriptionOf("/services/svc.1/functions/fn"), "first");
    assert.equal(await descriptionOf("/services/svc.prod/functions/fn"), "first");
    assert.equal(await descriptionOf("/services/svc.prod/functions/fn?qualifier=prod"), "first");
    assert.equal(await descriptionOf("/services/svc.LATEST/functions/fn"), "second");
    assert.equal(await descriptionOf("/services/svc/functions/fn"), "second");
    const listed = (await ask("GET", "/services/svc.prod/functions")).json()["functions"] as { description: string }[];
    assert.deepEqual(
      listed.map((each) => each.description),
      ["first"],
    );
    const put = await ask("PUT", "/services/svc.prod/functions/fn/on-demand-config", { maximumInstanceCount: 3 });
    assert.deepEqual(put.json(), { resource: "services/svc.prod/functions/fn", maximumInstanceCount: 3 });

    for (const [method, path, code] of [
      ["GET", "/services/svc.prod/functions/fn?qualifier=1", "InvalidArgument"],
      ["PUT", "/services/svc.prod", "InvalidArgument"],
      ["PUT", "/services/svc.prod/functions/fn", "InvalidArgument"],
      ["DELETE", "/services/svc.1/functions/fn", "InvalidArgument"],
      ["POST", "/services/svc.prod/versions", "InvalidArgument"],
      ["GET", "/services/svc.test/functions/fn", "AliasNotFound"],
      ["GET", "/services/svc.2", "VersionNotFound"],
      ["GET", "/services/none.prod", "ServiceNotFound"],
    ] as const) {
      const answer = await ask(method, path, method === "GET" ? undefined : {});
      assert.equal(answer.json()["ErrorCode"], code, `${method} ${path}: ${answer.text}`);
    }
  }));

test("every read is the same in both dialects, but for triggerConfig, apiVersion and warnings", () =>
  withControl(async (underTest) => {
    const { sdk, control } = underTest;
    await createFunction(underTest);
    await publish(underTest);
    await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
    await createTrigger(underTest);
    await sdk.createCustomDomain(new fc.CreateCustomDomainRequest({ domainName: "d.example.com", protocol: "HTTP" }));
    const limit = new fc.PutFunctionOnDemandConfigRequest({ maximumInstanceCount: 3 });
    await sdk.putFunctionOnDemandConfig("svc", "fn", limit);
    await sdk.putProvisionConfig("svc", "fn", new fc.PutProvisionConfigRequest({ target: 1 }));
    const known: Readonly<Record<string, string>> = {
      ...{ serviceName: "svc", functionName: "fn", triggerName: "http", aliasName: "prod", versionId: "1" },
      domainName: "d.example.com",
    };
    const reads = OPERATIONS["2016-08-15"].filter(({ method, verdict }) => method === "GET" && verdict === "complete");
    assert.ok(reads.length >= 14, `${reads.length} reads`);
    const others = new Set(OPERATIONS["2021-04-06"].map(({ name }) => name));
    for (const { name, path } of reads.filter((each) => others.has(each.name))) {
      const asked = path.replace(/\{(\w+)\}/g, (_all, each: string) => known[each] ?? "none");
      const [older, newer] = await Promise.all(
        ["2016-08-15", "2021-04-06"].map((version) =>
          send(control.apiPort, { path: `/${version}${asked}?${QUERIES[name] ?? ""}` }),
        ),
      );
      assert.equal(older?.status, 200, `${name}: ${older?.text}`);
      assert.equal(older?.headers["etag"], newer?.headers["etag"], name);
      assert.deepEqual(comparable(older?.json()), comparable(newer?.json()), name);
    }
  }));

/** Without what differs between the dialects. Sluice's own warnings would be a change to Serverless Devs. */
function comparable(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    // Each link to a package is signed anew.
    if (key === "url") return String(value).split("?")[0];
    if (key === "apiVersion" || key === "warnings") return undefined;
    return key === "triggerConfig" && typeof value === "string" ? JSON.parse(value) : value;
  });
}
