import assert from "node:assert/strict";
import { test } from "node:test";
import { authorization, canonicalQuery, sha256Hex, strictEncode } from "./acs3.ts";

test("authorization gives the signature of the published example", () => {
  const body = new Uint8Array();
  const value = authorization(
    {
      method: "POST",
      path: "/",
      query: { RegionId: "cn-shanghai", ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd" },
      headers: {
        host: "ecs.cn-shanghai.aliyuncs.com",
        "user-agent": "not signed",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": sha256Hex(body),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
      },
      body,
    },
    { accessKeyId: "YourAccessKeyId", accessKeySecret: "YourAccessKeySecret" },
  );
  assert.equal(
    value,
    "ACS3-HMAC-SHA256 Credential=YourAccessKeyId," +
      "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
      "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
  );
});

test("authorization changes with the body and with each signed header", () => {
  const request = {
    method: "PUT",
    path: "/2021-04-06/services/demo",
    query: {},
    headers: { host: "127.0.0.1:8085", "x-acs-date": "2026-01-01T00:00:00Z" },
    body: new TextEncoder().encode("{}"),
  };
  const credentials = { accessKeyId: "id", accessKeySecret: "secret" };
  const first = authorization(request, credentials);
  assert.notEqual(authorization({ ...request, body: new TextEncoder().encode("{ }") }, credentials), first);
  assert.notEqual(
    authorization({ ...request, headers: { ...request.headers, host: "127.0.0.1:8086" } }, credentials),
    first,
  );
});

test("strictEncode leaves only unreserved characters", () => {
  assert.equal(strictEncode("a-b_c.d~e !'()*/&=+ü"), "a-b_c.d~e%20%21%27%28%29%2A%2F%26%3D%2B%C3%BC");
});

test("canonicalQuery sorts by name and keeps empty values", () => {
  assert.equal(canonicalQuery({ prefix: "a b", limit: "20", Z: "" }), "Z=&limit=20&prefix=a%20b");
  assert.equal(canonicalQuery({}), "");
});
