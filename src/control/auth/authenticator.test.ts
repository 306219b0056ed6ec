import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { canonicalRequest, parseAuthorization, type SignedRequest, signatureOf } from "./acs3.ts";
import { Authenticator } from "./authenticator.ts";
import { Nonces } from "./nonces.ts";

const EMPTY = createHash("sha256").digest("hex");
const credentials = { accountId: "1", accessKeyId: "key", accessKeySecret: "secret" };

function headerMap(headers: Record<string, string>): Map<string, string[]> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
}

/** Signs as an SDK does, then lets `tamper` change what is sent. */
function signed(tamper: (headers: Record<string, string>) => void = () => {}, change: Partial<SignedRequest> = {}) {
  const headers: Record<string, string> = {
    host: "127.0.0.1:8085",
    "x-acs-action": "GetService",
    "x-acs-content-sha256": EMPTY,
    "x-acs-date": "2026-01-01T00:00:00Z",
    "x-acs-signature-nonce": crypto.randomUUID(),
    "x-acs-version": "2021-04-06",
  };
  const names = Object.keys(headers).sort();
  const request = { method: "GET", url: "/2021-04-06/services/a?prefix=x%20y", headers: headerMap(headers) };
  const canonical = canonicalRequest(request, names, EMPTY);
  const hash = createHash("sha256").update(canonical).digest("hex");
  const signature = createHmac("sha256", "secret").update(`ACS3-HMAC-SHA256\n${hash}`).digest("hex");
  headers["authorization"] = `ACS3-HMAC-SHA256 Credential=key,SignedHeaders=${names.join(";")},Signature=${signature}`;
  tamper(headers);
  return { ...request, headers: headerMap(headers), ...change };
}

test("canonicalRequest and signatureOf: the vector of Alibaba Cloud's documentation", () => {
  const headers = {
    host: "ecs.cn-shanghai.aliyuncs.com",
    "x-acs-action": "RunInstances",
    "x-acs-content-sha256": EMPTY,
    "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    "x-acs-version": "2014-05-26",
  };
  const url = "/?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd";
  const canonical = canonicalRequest({ method: "POST", url, headers: headerMap(headers) }, Object.keys(headers), EMPTY);
  const hash = createHash("sha256").update(canonical).digest("hex");
  assert.match(hash, /^7ea06492.*b1e259$/);
  const signature = signatureOf(canonical, "YourAccessKeySecret").toString("hex");
  assert.equal(signature, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
});

describe("Authenticator.check", () => {
  const check = (request: SignedRequest) => new Authenticator(credentials, new FakeClock()).check(request);

  test("accepts a request as signed and returns the hash of its body", () => {
    assert.equal(check(signed()), EMPTY);
  });

  test("does not mind which characters of the query the client encoded", () => {
    assert.equal(check(signed(() => {}, { url: "/2021-04-06/services/a?prefix=x+y" })), EMPTY);
  });

  const refused: [string, string, SignedRequest][] = [
    ["another method", "SignatureNotMatch", signed(() => {}, { method: "DELETE" })],
    ["another path", "SignatureNotMatch", signed(() => {}, { url: "/2021-04-06/services/b?prefix=x%20y" })],
    [
      "the path encoded otherwise",
      "SignatureNotMatch",
      signed(() => {}, { url: "/2021-04-06/services/%61?prefix=x%20y" }),
    ],
    ["another query", "SignatureNotMatch", signed(() => {}, { url: "/2021-04-06/services/a?prefix=x%20z" })],
    ["one more in the query", "SignatureNotMatch", signed(() => {}, { url: "/2021-04-06/services/a?prefix=x%20y&z=" })],
    ["a broken query", "InvalidArgument", signed(() => {}, { url: "/2021-04-06/services/a?prefix=%ff" })],
    ["another host", "SignatureNotMatch", signed((h) => Object.assign(h, { host: "evil:8085" }))],
    [
      "another body hash",
      "SignatureNotMatch",
      signed((h) => Object.assign(h, { "x-acs-content-sha256": "0".repeat(64) })),
    ],
    [
      "a body hash in capitals",
      "AccessDenied",
      signed((h) => Object.assign(h, { "x-acs-content-sha256": EMPTY.toUpperCase() })),
    ],
    ["another nonce", "SignatureNotMatch", signed((h) => Object.assign(h, { "x-acs-signature-nonce": "n" }))],
    ["one more x-acs header", "AccessDenied", signed((h) => Object.assign(h, { "x-acs-security-token": "t" }))],
    ["a header missing", "MissingRequiredHeader", signed((h) => delete h["x-acs-version"])],
    ["no authorization", "MissingRequiredHeader", signed((h) => delete h["authorization"])],
    ["another algorithm", "AccessDenied", signed((h) => Object.assign(h, { authorization: "acs key:abc" }))],
    [
      "another key",
      "InvalidAccessKeyID",
      signed((h) => Object.assign(h, { authorization: h["authorization"]?.replace("=key", "=kez") })),
    ],
    [
      "a signature in capitals",
      "AccessDenied",
      signed((h) =>
        Object.assign(h, { authorization: `${h["authorization"]}`.replace(/[0-9a-f]+$/, (hex) => hex.toUpperCase()) }),
      ),
    ],
    [
      "a short signature",
      "AccessDenied",
      signed((h) => Object.assign(h, { authorization: h["authorization"]?.slice(0, -2) })),
    ],
    ["a date too old", "AccessDenied", signed((h) => Object.assign(h, { "x-acs-date": "2025-12-31T23:44:59Z" }))],
    ["a date too far ahead", "AccessDenied", signed((h) => Object.assign(h, { "x-acs-date": "2026-01-01T00:15:01Z" }))],
    [
      "a date in another form",
      "AccessDenied",
      signed((h) => Object.assign(h, { "x-acs-date": "Thu, 01 Jan 2026 00:00:00 GMT" })),
    ],
  ];
  for (const [what, code, request] of refused) {
    test(`refuses ${what} with ${code}`, () => {
      assert.throws(() => check(request), { name: "ApiError", code });
    });
  }

  test("refuses a header sent twice", () => {
    const request = signed();
    const headers = new Map(request.headers).set("x-acs-action", ["GetService", "DeleteService"]);
    assert.throws(() => check({ ...request, headers }), { code: "AccessDenied", message: /2 times/ });
  });

  test("refuses a request sent again, for as long as its date is accepted", () => {
    const clock = new FakeClock();
    const authenticator = new Authenticator(credentials, clock);
    const request = signed();
    authenticator.check(request);
    assert.throws(() => authenticator.check(request), { code: "SignatureNonceUsed" });
    clock.advance(15 * 60 * 1000);
    assert.throws(() => authenticator.check(request), { code: "SignatureNonceUsed" });
    clock.advance(1);
    assert.throws(() => authenticator.check(request), { code: "AccessDenied", message: /15 minutes/ });
  });

  test("a nonce of a request with a wrong signature stays free for the right one", () => {
    const authenticator = new Authenticator(credentials, new FakeClock());
    const request = signed();
    assert.throws(() => authenticator.check({ ...request, method: "PUT" }), { code: "SignatureNotMatch" });
    authenticator.check(request);
  });
});

test("parseAuthorization: never throws, and takes nothing but the exact form", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(parseAuthorization(text), undefined);
    }),
  );
  const signature = "0".repeat(64);
  for (const names of ["host;host", "x-acs-date;host", "Host"]) {
    assert.equal(
      parseAuthorization(`ACS3-HMAC-SHA256 Credential=k,SignedHeaders=${names},Signature=${signature}`),
      undefined,
    );
  }
});

test("Nonces.add: refuses at its limit, and forgets what has expired", () => {
  const nonces = new Nonces(100, 2);
  assert.deepEqual(
    [nonces.add("a", 0), nonces.add("b", 50), nonces.add("c", 60), nonces.add("c", 100), nonces.add("a", 101)],
    [true, true, false, true, false],
  );
});
