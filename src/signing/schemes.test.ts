import assert from "node:assert/strict";
import { test } from "node:test";
import { strictEncode } from "./acs3.ts";
import { fcSignature } from "./fc.ts";
import { Nonces } from "./nonces.ts";
import { headerValues, sha256Hex, signAcs3 } from "./signing.ts";

test("signAcs3: the vector of Alibaba Cloud's documentation", () => {
  const request = {
    method: "POST",
    url: "/?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    headers: headerValues({
      host: "ecs.cn-shanghai.aliyuncs.com",
      "user-agent": "not signed",
      "x-acs-action": "RunInstances",
      "x-acs-content-sha256": sha256Hex(""),
      "x-acs-date": "2023-10-26T10:22:32Z",
      "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
      "x-acs-version": "2014-05-26",
    }),
  };
  assert.equal(
    signAcs3(request, { accessKeyId: "YourAccessKeyId", accessKeySecret: "YourAccessKeySecret" }),
    "ACS3-HMAC-SHA256 Credential=YourAccessKeyId," +
      "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
      "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
  );
});

test("fcSignature: the vector of the test of Function Compute's Go SDK, a call through the API's /proxy/", () => {
  const query = "x=xyz&x=456&a=123+45&x-fc-expires=1583221068&x-fc-access-key-id=akID&x-fc-security-token=stsToken";
  const request = {
    method: "GET",
    url: `/2016-08-15/proxy/service.LATEST/func/abc%20123?${query}`,
    headers: headerValues({
      "content-md5": "ef5b43a0fe1d5b401b62c3ba33a7a3d6",
      "content-type": "text/json",
      date: "1583221068",
      "x-fc-trace-id": "trace-id",
      "x-fcdummy": "not signed",
    }),
  };
  for (const form of ["api", "trigger"] as const) {
    const signature = fcSignature(request, form, "S9MWOBG0AOWHSO9HPASP216QOPHT5YR4NLH3A");
    assert.equal(signature.toString("base64"), "QFdNhz0Dl+onUM/MvpX940WFH3H8OHayZHbby1c01aI=");
  }
});

test("strictEncode leaves only unreserved characters", () => {
  assert.equal(strictEncode("a-b_c.d~e !'()*/&=+ü"), "a-b_c.d~e%20%21%27%28%29%2A%2F%26%3D%2B%C3%BC");
});

test("Nonces.add: forgets what is too old to be sent again", () => {
  const nonces = new Nonces(15_000);
  assert.equal(nonces.add("a", 0, 0), true);
  assert.equal(nonces.add("a", 0, 15_000), false);
  assert.equal(nonces.add("b", 5_000, 15_999), true);
  assert.equal(nonces.count, 2);
  nonces.add("c", 16_000, 16_000);
  assert.equal(nonces.count, 2);
});

test("Nonces.add: at its limit lets the oldest second go, and refuses what is dated then or before", () => {
  const nonces = new Nonces(900_000, 3);
  for (const [nonce, datedAt] of [
    ["a", 1000],
    ["b", 1500],
    ["c", 2000],
  ] as const) {
    assert.equal(nonces.add(nonce, datedAt, 2000), true);
  }
  assert.equal(nonces.add("d", 3000, 3000), true);
  assert.equal(nonces.count, 2);
  const later = [
    ["a", 1000],
    ["new", 1999],
    ["c", 2000],
    ["e", 2000],
  ] as const;
  assert.deepEqual(
    later.map(([nonce, datedAt]) => nonces.add(nonce, datedAt, 3000)),
    [false, false, false, true],
  );
  for (let index = 0; index < 1000; index++) {
    nonces.add(`many ${index}`, 4000 + index * 100, 4000 + index * 100);
    assert.ok(nonces.count <= 3);
  }
});
