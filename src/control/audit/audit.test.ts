import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { silentLogger } from "../../base/base.ts";
import type { AuditRecord } from "../../model/model.ts";
import { openControl, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger } from "../testing/samples.ts";
import { type RawRequest, send } from "../testing/signed-request.ts";
import { AuditLog } from "./audit-log.ts";
import { isAudited, operationName } from "./operation-name.ts";

const services = "/2021-04-06/services";

async function recordsIn(dataDir: string): Promise<AuditRecord[]> {
  const text = await readFile(join(dataDir, "audit.log"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

describe("the audit log", () => {
  test("has a line for each change, written when it is answered: who, what, which documents, how it ended", () =>
    withControl(async (underTest) => {
      const { control, dataDir } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      const wanted = JSON.stringify({ serviceName: "svc" });
      const again = await send(control.apiPort, { method: "POST", path: services, body: wanted });
      await send(control.apiPort, { method: "DELETE", path: `${services}/svc/functions/fn/triggers/http` });
      const records = await recordsIn(dataDir);
      assert.deepEqual(
        records.map(({ operation, changed, status, code }) => [operation, changed, status, code]),
        [
          ["CreateService", ["service svc"], 200, undefined],
          ["CreateFunction", ["function svc/fn"], 200, undefined],
          ["CreateTrigger", ["trigger svc/fn/http"], 200, undefined],
          ["CreateService", [], 409, "ServiceAlreadyExists"],
          ["DeleteTrigger", ["trigger svc/fn/http"], 204, undefined],
        ],
      );
      const refused = records[3];
      assert.equal(refused?.requestId, again.headers["x-fc-request-id"]);
      assert.equal(refused?.accessKeyId, "AK");
      assert.equal(refused?.path, services);
      assert.match(refused?.from ?? "", /127\.0\.0\.1$/);
      assert.ok(Math.abs((refused?.at ?? 0) - Date.now()) < 60_000);
      assert.equal((await stat(join(dataDir, "audit.log"))).mode & 0o777, 0o600);
    }));

  test("has no line for reads, but for that of all secrets, none for what no key signed, and never a secret", () =>
    withControl(async ({ control, dataDir }) => {
      const secret = "very-secret-value";
      const requests: RawRequest[] = [
        { path: services },
        { path: "/sluice/v1/backup" },
        {
          method: "POST",
          path: services,
          body: JSON.stringify({ serviceName: "a" }),
          headers: { authorization: undefined },
        },
        { method: "POST", path: services, body: JSON.stringify({ serviceName: "b" }) },
        {
          method: "POST",
          path: `${services}/b/functions?token=${secret}`,
          body: JSON.stringify({
            functionName: "f",
            runtime: "custom",
            handler: "h",
            environmentVariables: { PASSWORD: secret },
            code: { zipFile: Buffer.from(secret).toString("base64") },
          }),
        },
        { method: "POST", path: "/sluice/v1/keys", body: "{}" },
      ];
      let told = "";
      for (const request of requests) told = (await send(control.apiPort, request)).text;
      const { accessKeyId, accessKeySecret } = JSON.parse(told) as Record<string, string>;
      const text = await readFile(join(dataDir, "audit.log"), "utf8");
      assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString("base64")));
      assert.ok(accessKeySecret !== undefined && !text.includes(accessKeySecret));
      assert.deepEqual(
        (await recordsIn(dataDir)).map(({ operation, changed }) => [operation, changed]),
        [
          ["Backup", []],
          ["CreateService", ["service b"]],
          ["CreateFunction", []],
          ["CreateAccessKey", [`accessKey ${accessKeyId}`]],
        ],
      );
    }));

  test("is told by the API, the last ones first to go, also those of before a restart", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sluice-audit-"));
    try {
      for (const name of ["a", "b"]) {
        const { control } = await openControl(dataDir);
        await send(control.apiPort, { method: "POST", path: services, body: JSON.stringify({ serviceName: name }) });
        await control.close();
      }
      const { control } = await openControl(dataDir);
      const ask = async (limit: string) =>
        (await send(control.apiPort, { path: `/sluice/v1/audit?limit=${limit}` })).json() as {
          records: AuditRecord[];
          Code?: string;
        };
      assert.deepEqual(
        (await ask("10")).records.flatMap(({ changed }) => changed),
        ["service a", "service b"],
      );
      assert.deepEqual(
        (await ask("1")).records.flatMap(({ changed }) => changed),
        ["service b"],
      );
      for (const wrong of ["0", "10001", "x"]) assert.equal((await ask(wrong)).Code, "InvalidArgument");
      await control.close();
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});

test("AuditLog rotates as functions' logs do, and reads over its files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-audit-"));
  try {
    const limits = { fileSizeMaxBytes: 1000, fileCount: 3, pendingMaxBytes: 10_000 };
    const audit = new AuditLog(join(folder, "audit.log"), silentLogger, limits);
    const record = { at: 1, accessKeyId: "AK", from: "", operation: "o", path: "/", changed: [], status: 200 };
    for (let index = 0; index < 100; index++) await audit.add({ ...record, requestId: `r${index}` });
    assert.deepEqual((await readdir(folder)).sort(), ["audit.log", "audit.log.1", "audit.log.2"]);
    for (const name of await readdir(folder)) assert.ok((await stat(join(folder, name))).size <= 1000, name);
    assert.deepEqual(
      (await audit.last(12)).map(({ requestId }) => requestId),
      Array.from({ length: 12 }, (_, index) => `r${88 + index}`),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("operationName: Function Compute's names in both dialects, Sluice's own, else the method", () => {
  const names: [method: string, path: string, name: string][] = [
    ["PUT", "/2021-04-06/services/a/functions/b", "UpdateFunction"],
    ["PUT", "/2016-08-15/services/a/functions/b", "UpdateFunction"],
    ["POST", "/sluice/v1/keys/AK/disable", "DisableAccessKey"],
    ["PATCH", "/2021-04-06/services/a", "PATCH"],
    ["POST", "/none", "POST"],
  ];
  for (const [method, path, name] of names) assert.equal(operationName(method, path), name, path);
  assert.equal(isAudited("POST", "/2021-04-06/services/a/functions/b/invocations"), false);
  assert.equal(isAudited("POST", "/2021-04-06/services/a/functions"), true);
});
