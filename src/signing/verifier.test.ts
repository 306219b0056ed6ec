import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { acsRoaSignature } from "./acs-roa.ts";
import { parseAcs3 } from "./acs3.ts";
import type { FcForm } from "./fc.ts";
import { headerValues, SignatureVerifier, type SignedRequest, sha256Hex, signAcs3, signFc } from "./signing.ts";

const EMPTY = sha256Hex("");
const KEY = { accessKeyId: "key", accessKeySecret: "secret" };
const NOW_AT = Date.UTC(2026, 0, 1);

function verifier(form: FcForm = "api"): SignatureVerifier {
  return new SignatureVerifier({ form, secretOf: (id) => (id === KEY.accessKeyId ? KEY.accessKeySecret : undefined) });
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
  const request = { method: "GET", url: "/2021-04-06/services/a?prefix=x%20y" };
  headers["authorization"] = signAcs3({ ...request, headers: headerValues(headers) }, KEY);
  tamper(headers);
  return { ...request, headers: headerValues(headers), ...change };
}

describe("SignatureVerifier.verify: ACS3-HMAC-SHA256 on the API", () => {
  const check = (request: SignedRequest) => verifier().verify(request, NOW_AT);

  test("accepts a request as signed and returns the hash of its body", () => {
    assert.deepEqual(check(signed()), { accessKeyId: "key", bodySha256: EMPTY });
  });

  test("does not mind which characters of the query the client encoded", () => {
    check(signed(() => {}, { url: "/2021-04-06/services/a?prefix=x+y" }));
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
    ["another algorithm", "AccessDenied", signed((h) => Object.assign(h, { authorization: "Bearer abc" }))],
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
      assert.throws(() => check(request), { name: "SignatureRefusal", code });
    });
  }

  test("refuses a header sent twice", () => {
    const request = signed();
    const headers = new Map(request.headers).set("x-acs-action", ["GetService", "DeleteService"]);
    assert.throws(() => check({ ...request, headers }), { code: "AccessDenied", message: /2 times/ });
  });

  test("refuses a request sent again, for as long as its date is accepted", () => {
    const clock = new FakeClock();
    const checker = verifier();
    const check = (each: SignedRequest) => checker.verify(each, clock.epochMs());
    const request = signed();
    check(request);
    assert.throws(() => check(request), { code: "SignatureNonceUsed" });
    clock.advance(15 * 60 * 1000);
    assert.throws(() => check(request), { code: "SignatureNonceUsed" });
    clock.advance(1);
    assert.throws(() => check(request), { code: "AccessDenied", message: /15 minutes/ });
  });

  test("a nonce of a request with a wrong signature stays free for the right one", () => {
    const checker = verifier();
    const request = signed();
    assert.throws(() => checker.verify({ ...request, method: "PUT" }, NOW_AT), { code: "SignatureNotMatch" });
    checker.verify(request, NOW_AT);
  });
});

/** A request signed by `FC`, then changed. */
function signedFc(
  form: FcForm,
  tamper: (headers: Record<string, string>) => void = () => {},
  url = "/a.B/C%20d?b=2&a=1",
) {
  const headers: Record<string, string> = {
    "content-type": "application/grpc",
    date: "Thu, 01 Jan 2026 00:00:00 GMT",
    "x-fc-trace-id": "t",
    "x-fc-account-id": "1",
  };
  headers["authorization"] = signFc(
    { method: "POST", url: "/a.B/C%20d?a=1&b=2", headers: headerValues(headers) },
    form,
    KEY,
  );
  tamper(headers);
  return { method: "POST", url, headers: headerValues(headers) };
}

describe("SignatureVerifier.verify: FC", () => {
  for (const form of ["api", "trigger"] as const) {
    const check = (request: SignedRequest) => verifier(form).verify(request, NOW_AT);

    test(`accepts a request of the form ${form} as signed, again too: the scheme has no nonce`, () => {
      const checker = verifier(form);
      assert.deepEqual(checker.verify(signedFc(form), NOW_AT), { accessKeyId: "key" });
      checker.verify(signedFc(form), NOW_AT);
    });

    const refused: [string, string, SignedRequest][] = [
      ["another path", "SignatureNotMatch", signedFc(form, () => {}, "/a.B/D?a=1&b=2")],
      ["a broken path", "InvalidArgument", signedFc(form, () => {}, "/%ff?a=1&b=2")],
      ["another content type", "SignatureNotMatch", signedFc(form, (h) => Object.assign(h, { "content-type": "x" }))],
      ["another x-fc header", "SignatureNotMatch", signedFc(form, (h) => Object.assign(h, { "x-fc-trace-id": "u" }))],
      [
        "one more x-fc header",
        "SignatureNotMatch",
        signedFc(form, (h) => Object.assign(h, { "x-fc-log-type": "Tail" })),
      ],
      ["an x-fc header less", "SignatureNotMatch", signedFc(form, (h) => delete h["x-fc-trace-id"])],
      ["a Content-MD5 more", "SignatureNotMatch", signedFc(form, (h) => Object.assign(h, { "content-md5": "x" }))],
      ["no date", "MissingRequiredHeader", signedFc(form, (h) => delete h["date"])],
      ["no authorization", "MissingRequiredHeader", signedFc(form, (h) => delete h["authorization"])],
      [
        "another date",
        "SignatureNotMatch",
        signedFc(form, (h) => Object.assign(h, { date: "Thu, 01 Jan 2026 00:00:01 GMT" })),
      ],
      [
        "a date too old",
        "AccessDenied",
        signedFc(form, (h) => Object.assign(h, { date: "Wed, 31 Dec 2025 23:44:59 GMT" })),
      ],
      [
        "a date too far ahead",
        "AccessDenied",
        signedFc(form, (h) => Object.assign(h, { date: "Thu, 01 Jan 2026 00:15:01 GMT" })),
      ],
      [
        "a date in another form",
        "AccessDenied",
        signedFc(form, (h) => Object.assign(h, { date: "2026-01-01T00:00:00Z" })),
      ],
      [
        "another key",
        "InvalidAccessKeyID",
        signedFc(form, (h) => Object.assign(h, { authorization: h["authorization"]?.replace("key", "kez") })),
      ],
      ["half a signature", "AccessDenied", signedFc(form, (h) => Object.assign(h, { authorization: "FC key:abcd" }))],
      [
        "a signature as long as SHA-1",
        "SignatureNotMatch",
        signedFc(form, (h) => Object.assign(h, { authorization: `FC key:${"A".repeat(27)}=` })),
      ],
    ];
    for (const [what, code, request] of refused) {
      test(`refuses ${what} with ${code} (${form})`, () => {
        assert.throws(() => check(request), { name: "SignatureRefusal", code });
      });
    }
  }

  test("a trigger's query is signed, the API's is not", () => {
    const url = "/a.B/C%20d?a=1&b=3";
    assert.throws(
      () =>
        verifier("trigger").verify(
          signedFc("trigger", () => {}, url),
          NOW_AT,
        ),
      { code: "SignatureNotMatch" },
    );
    verifier("api").verify(
      signedFc("api", () => {}, url),
      NOW_AT,
    );
  });

  test("an x-fc header sent twice is refused: which one was signed is not to be guessed", () => {
    const request = signedFc("trigger");
    const headers = new Map(request.headers).set("x-fc-trace-id", ["t", "t"]);
    assert.throws(() => verifier("trigger").verify({ ...request, headers }, NOW_AT), {
      code: "AccessDenied",
      message: /2 times/,
    });
  });

  test("accepts a date of 15 minutes ago to the millisecond", () => {
    const checker = verifier("trigger");
    checker.verify(signedFc("trigger"), NOW_AT + 15 * 60 * 1000);
    assert.throws(() => checker.verify(signedFc("trigger"), NOW_AT + 15 * 60 * 1000 + 1), { code: "AccessDenied" });
  });
});

describe("SignatureVerifier.verify: ACS3-HMAC-SHA256 on a trigger", () => {
  function signedCall(change: Record<string, string> = {}): SignedRequest {
    const headers = headerValues({ host: "fn.example.com", "x-acs-date": "2026-01-01T00:00:00Z", ...change });
    const request = { method: "POST", url: "/a.B/C", headers };
    return { ...request, headers: new Map(headers).set("authorization", [signAcs3(request, KEY)]) };
  }

  test("needs the date alone, as Function Compute's example signs; a security token may be empty", () => {
    verifier("trigger").verify(signedCall({ "x-acs-security-token": "" }), NOW_AT);
    verifier("trigger").verify(signedCall({ "x-acs-content-sha256": EMPTY }), NOW_AT);
  });

  test("refuses the hash of a body, which a call's head cannot know", () => {
    const call = signedCall({ "x-acs-content-sha256": sha256Hex("message") });
    assert.throws(() => verifier("trigger").verify(call, NOW_AT), { code: "AccessDenied", message: /no body/ });
  });

  test("refuses a signed host that is another, and an x-acs header that is not signed", () => {
    const call = signedCall();
    const headers = new Map(call.headers).set("host", ["evil.example.com"]);
    assert.throws(() => verifier("trigger").verify({ ...call, headers }, NOW_AT), { code: "SignatureNotMatch" });
    const more = new Map(call.headers).set("x-acs-signature-nonce", ["n"]);
    assert.throws(() => verifier("trigger").verify({ ...call, headers: more }, NOW_AT), { code: "AccessDenied" });
  });

  test("refuses a nonce that was used, by the same key alone", () => {
    const checker = verifier("trigger");
    const call = signedCall({ "x-acs-signature-nonce": "n" });
    checker.verify(call, NOW_AT);
    assert.throws(() => checker.verify(call, NOW_AT), { code: "SignatureNonceUsed" });
  });

  test("the older scheme is the API's alone", () => {
    assert.throws(() => verifier("trigger").verify(signedRoa(), NOW_AT), {
      code: "AccessDenied",
      message: /FC and ACS3/,
    });
  });
});

function signedRoa(
  tamper: (headers: Record<string, string>) => void = () => {},
  url = "/2021-04-06/services?limit=2&prefix=a%2Fb",
) {
  const headers: Record<string, string> = {
    accept: "application/json",
    date: "Thu, 01 Jan 2026 00:00:00 GMT",
    "x-acs-signature-nonce": "n",
    "x-acs-version": "2021-04-06",
  };
  const request = { method: "GET", url: "/2021-04-06/services?prefix=a%2Fb&limit=2", headers: headerValues(headers) };
  headers["authorization"] = `acs key:${acsRoaSignature(request, "secret").toString("base64")}`;
  tamper(headers);
  return { method: "GET", url, headers: headerValues(headers) };
}

describe("SignatureVerifier.verify: acs", () => {
  const check = (request: SignedRequest) => verifier().verify(request, NOW_AT);

  test("accepts a request as signed, once", () => {
    const checker = verifier();
    assert.deepEqual(checker.verify(signedRoa(), NOW_AT), { accessKeyId: "key" });
    assert.throws(() => checker.verify(signedRoa(), NOW_AT), { code: "SignatureNonceUsed" });
  });

  const refused: [string, string, SignedRequest][] = [
    ["another query", "SignatureNotMatch", signedRoa(() => {}, "/2021-04-06/services?limit=3&prefix=a%2Fb")],
    ["another accept", "SignatureNotMatch", signedRoa((h) => Object.assign(h, { accept: "x" }))],
    ["one more x-acs header", "SignatureNotMatch", signedRoa((h) => Object.assign(h, { "x-acs-action": "x" }))],
    ["no nonce", "MissingRequiredHeader", signedRoa((h) => delete h["x-acs-signature-nonce"])],
    ["no date", "MissingRequiredHeader", signedRoa((h) => delete h["date"])],
    ["a date too old", "AccessDenied", signedRoa((h) => Object.assign(h, { date: "Wed, 31 Dec 2025 23:44:59 GMT" }))],
    [
      "another key",
      "InvalidAccessKeyID",
      signedRoa((h) => Object.assign(h, { authorization: `acs kez:${"A".repeat(27)}=` })),
    ],
  ];
  for (const [what, code, request] of refused) {
    test(`refuses ${what} with ${code}`, () => {
      assert.throws(() => check(request), { name: "SignatureRefusal", code });
    });
  }
});

test("parseAcs3: never throws, and takes nothing but the exact form", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(parseAcs3(text), undefined);
    }),
  );
  const signature = "0".repeat(64);
  for (const names of ["host;host", "x-acs-date;host", "Host"]) {
    assert.equal(parseAcs3(`ACS3-HMAC-SHA256 Credential=k,SignedHeaders=${names},Signature=${signature}`), undefined);
  }
});
