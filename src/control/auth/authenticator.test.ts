import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { headerValues, signFc } from "../../signing/signing.ts";
import { credentials, fc, sdkClient, withControl } from "../testing/control-under-test.ts";

/** Sends a request signed by `FC`, as Function Compute's SDKs of 2016 sign; `sent` in place of the body that was signed. */
async function sendFc(port: number, method: string, url: string, body: string, contentMd5: string, sent = body) {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    date: new Date().toUTCString(),
    "x-fc-account-id": "1",
    ...(contentMd5 !== "" && { "content-md5": contentMd5 }),
  };
  headers["authorization"] = signFc({ method, url, headers: headerValues(headers) }, "api", credentials);
  const answer = await new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path: url, headers }, async (response) => {
      resolve({ status: response.statusCode ?? 0, body: (await json(response)) as Record<string, unknown> });
    });
    request.on("error", reject);
    request.end(sent);
  });
  return answer;
}

test("the API takes FC, with Content-MD5 as each of the SDKs writes it, and refuses another body", () =>
  withControl(async ({ control: { apiPort } }) => {
    const services = "/2021-04-06/services";
    const writings: ((md5: Buffer) => string)[] = [
      (md5) => md5.toString("base64"),
      (md5) => md5.toString("hex"),
      (md5) => Buffer.from(md5.toString("hex")).toString("base64"),
      () => "",
    ];
    for (const [index, write] of writings.entries()) {
      const body = JSON.stringify({ serviceName: `svc${index}` });
      const contentMd5 = write(createHash("md5").update(body).digest());
      const answer = await sendFc(apiPort, "POST", services, body, contentMd5);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      if (contentMd5 === "") continue;
      const other = await sendFc(apiPort, "POST", services, body, contentMd5, body.replace("svc", "SVC"));
      assert.deepEqual([other.status, other.body["Code"]], [403, "SignatureNotMatch"]);
      assert.match(String(other.body["Message"]), /Content-MD5/);
    }
    const listed = await sendFc(apiPort, "GET", `${services}?prefix=svc`, "", "");
    assert.equal((listed.body["services"] as unknown[]).length, writings.length);
  }));

test("the API takes the older scheme of the official SDK (signatureAlgorithm v2), and not a wrong secret", () =>
  withControl(async ({ control }) => {
    const sdk = sdkClient(control.apiPort, { signatureAlgorithm: "v2" });
    await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc", description: "ä / ?" }));
    const { body } = await sdk.listServices(new fc.ListServicesRequest({ prefix: "s", limit: 10 }));
    assert.equal(body.services?.[0]?.description, "ä / ?");
    const stranger = sdkClient(control.apiPort, { signatureAlgorithm: "v2", accessKeySecret: "guessed" });
    await assert.rejects(stranger.listServices(new fc.ListServicesRequest({})), { code: "SignatureNotMatch" });
  }));
