/** Calls to a function that asks for signed ones: who is let in, and what a call that is not costs. */
import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http2";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { headerValues, sha256Hex, signAcs3, signFc } from "../signing/signing.ts";
import { CallSignatures } from "./call-signatures.ts";
import { readRequestHead } from "./request-head.ts";
import { GatewayBench, HOST, statusOf } from "./testing/gateway-bench.ts";
import { echo, holding, LocalDriver } from "./testing/local-function.ts";

const AK = { accessKeyId: "AK1", accessKeySecret: "secret" };
const PATH = "/p.S/M";

/** Metadata of a call that is signed by `FC`. */
function fcHeaders(path = PATH, more: Record<string, string> = {}, at = new Date(), key = AK): Record<string, string> {
  const headers = { date: at.toUTCString(), ...more };
  const signed = headerValues({ ...headers, "content-type": "application/grpc" });
  return { ...headers, authorization: signFc({ method: "POST", url: path, headers: signed }, "trigger", key) };
}

function acs3Headers(nonce: string): Record<string, string> {
  const headers = {
    "x-acs-date": `${new Date().toISOString().slice(0, 19)}Z`,
    "x-acs-signature-nonce": nonce,
    "x-acs-content-sha256": sha256Hex(""),
  };
  const signed = headerValues({ ...headers, host: HOST, "content-type": "application/grpc" });
  return { ...headers, authorization: signAcs3({ method: "POST", url: PATH, headers: signed }, AK) };
}

async function signingBench(driver: LocalDriver): Promise<GatewayBench> {
  const bench = await GatewayBench.start(driver);
  bench.putRoute({ authType: "function" });
  bench.gateway.putAccessKey({ kind: "accessKey", ...AK });
  return bench;
}

test("signed calls: FC and ACS3 are let in, and the function sees nothing of the signature", async () => {
  const seen: string[][] = [];
  const driver = LocalDriver.http2((stream, headers, rawHeaders) => {
    seen.push([...(rawHeaders ?? [])].filter((_, index) => index % 2 === 0));
    echo(stream, headers, rawHeaders);
  });
  await using bench = await signingBench(driver);
  const client = await bench.client();
  const more = { "x-fc-trace-id": "t", "x-own": "kept" };
  for (const headers of [fcHeaders(PATH, more), acs3Headers("n1"), acs3Headers("n2")]) {
    assert.equal(statusOf(await bench.call(client, headers)).status, "0");
  }
  assert.equal(seen.length, 3);
  for (const names of seen) {
    assert.deepEqual(
      names.filter((name) => /^(authorization|date|x-acs-.*|x-fc-trace-id)$/.test(name)),
      [],
    );
  }
  assert.ok(seen[0]?.includes("x-own"));
});

test("signed calls: what is not signed as sent is refused with 16 AccessDenied and why, and starts no instance", async () => {
  const driver = LocalDriver.http2(echo);
  await using bench = await signingBench(driver);
  const client = await bench.client();
  const { date: _date, ...withoutDate } = fcHeaders();
  const refused: [what: string, headers: OutgoingHttpHeaders, why: RegExp][] = [
    ["no signature", {}, /asks for signed calls.*authorization was not specified/],
    ["no date", withoutDate, /date was not specified/],
    ["another method", { ...fcHeaders(), ":path": "/p.S/N" }, /signature is not that of this request/],
    ["another x-fc header", { ...fcHeaders(PATH, { "x-fc-a": "1" }), "x-fc-a": "2" }, /signature is not/],
    ["an x-fc header that is not signed", { ...fcHeaders(), "x-fc-a": "2" }, /signature is not/],
    ["too old", fcHeaders(PATH, {}, new Date(Date.now() - 16 * 60_000)), /more than 15 minutes/],
    ["an unknown key", fcHeaders(PATH, {}, new Date(), { ...AK, accessKeyId: "AK2" }), /invalid access key ID 'AK2'/],
    ["a wrong secret", fcHeaders(PATH, {}, new Date(), { ...AK, accessKeySecret: "guess" }), /signature is not/],
    ["a token of something else", { authorization: "Bearer x" }, /FC and ACS3-HMAC-SHA256/],
  ];
  for (const [what, headers, why] of refused) {
    const { status, errorType, message } = statusOf(await bench.call(client, headers));
    assert.deepEqual([status, errorType], ["16", "AccessDenied"], what);
    assert.match(message, why, what);
  }
  assert.equal(driver.instances.length, 0);
  assert.equal(bench.gateway.refusals.countOf("AccessDenied"), refused.length);
  assert.deepEqual(bench.ended, []);
  assert.deepEqual(bench.errors, []);
});

test("signed calls: a nonce serves once, and not again by way of a custom domain", async () => {
  await using bench = await signingBench(LocalDriver.http2(echo));
  const client = await bench.client();
  const headers = acs3Headers("n");
  assert.equal(statusOf(await bench.call(client, headers)).status, "0");
  bench.putRoute({ authType: "function", origin: "customDomain" });
  const again = statusOf(await bench.call(client, headers));
  assert.deepEqual([again.status, again.errorType], ["16", "AccessDenied"]);
  assert.match(again.message, /nonce has been used/);
});

test("signed calls: a key that is gone lets no new call in, and open ones go on", async () => {
  const { driver, next } = holding();
  await using bench = await signingBench(driver);
  const client = await bench.client();
  const arrived = next();
  const open = bench.call(client, fcHeaders());
  const stream = await arrived;
  bench.gateway.deleteAccessKey(AK.accessKeyId);
  assert.equal(statusOf(await bench.call(client, fcHeaders())).status, "16");
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
  assert.equal(statusOf(await open).status, "0");
});

test("an anonymous trigger takes calls as they come, with an authorization of the function's own", async () => {
  const seen: (string | undefined)[] = [];
  const driver = LocalDriver.http2((stream, headers, rawHeaders) => {
    seen.push(headers.authorization);
    echo(stream, headers, rawHeaders);
  });
  await using bench = await GatewayBench.start(driver);
  const client = await bench.client();
  assert.equal(statusOf(await bench.call(client, { authorization: "Bearer x" })).status, "0");
  assert.deepEqual(seen, ["Bearer x"]);
});

test("CallSignatures.refusalOf: a date is good for 15 minutes to the millisecond", () => {
  const clock = new FakeClock();
  const signatures = new CallSignatures(clock);
  signatures.putKey({ kind: "accessKey", ...AK });
  const signed = fcHeaders(PATH, {}, new Date(clock.epochMs()));
  const headers = [
    ":method",
    "POST",
    ":path",
    PATH,
    "content-type",
    "application/grpc",
    ...Object.entries(signed).flat(),
  ];
  const route = { function: "s/f" } as Parameters<CallSignatures["refusalOf"]>[0];
  const check = () => signatures.refusalOf(route, readRequestHead(headers), headers);
  assert.equal(check(), undefined);
  clock.advance(15 * 60_000);
  assert.equal(check(), undefined);
  clock.advance(1);
  assert.equal(check()?.errorType, "AccessDenied");
});

test("CallSignatures.refusalOf: whatever a client sends is refused in words, and throws nothing", () => {
  const signatures = new CallSignatures(new FakeClock());
  signatures.putKey({ kind: "accessKey", ...AK });
  const route = { function: "s/f" } as Parameters<CallSignatures["refusalOf"]>[0];
  const name = fc.constantFrom("authorization", "date", "x-acs-date", "x-fc-a", "content-md5", "host", ":path");
  const base64 = `${"A".repeat(43)}=`;
  const acs3 = `ACS3-HMAC-SHA256 Credential=AK1,SignedHeaders=x-acs-date,Signature=${"0".repeat(64)}`;
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom(`FC AK1:${base64}`, acs3, "Thu, 01 Jan 2026 00:00:00 GMT", "2026-01-01T00:00:00Z", "/%ff?%zz"),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
      const headers = [":method", "POST", "content-type", "application/grpc", ...fields.flat()];
      const refusal = signatures.refusalOf(route, readRequestHead(headers), headers);
      assert.deepEqual([refusal?.errorType, refusal?.grpcStatus], ["AccessDenied", 16]);
    }),
    { numRuns: 2000 },
  );
});
