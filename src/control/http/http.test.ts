import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { rawZip } from "../code/testing/raw-zip.ts";
import { fc, sdkClient, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger } from "../testing/samples.ts";
import { type RawAnswer, type RawRequest, send } from "../testing/signed-request.ts";
import { isOwnHost } from "./host-names.ts";
import { HttpServer } from "./http-server.ts";

function assertError(answer: RawAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text);
  const body = answer.json();
  assert.deepEqual(Object.keys(body).sort(), ["Code", "ErrorCode", "ErrorMessage", "Message", "RequestId"]);
  assert.equal(body["Code"], code);
  assert.equal(body["ErrorCode"], code);
  assert.equal(body["Message"], body["ErrorMessage"]);
  assert.equal(body["RequestId"], answer.headers["x-fc-request-id"]);
  assert.match(String(body["RequestId"]), /^[0-9a-f-]{36}$/);
  assert.match(answer.headers["content-type"] ?? "", /^application\/json/);
}

const services = "/2021-04-06/services";

describe("the API over HTTP", () => {
  const refused: [what: string, status: number, code: string, request: RawRequest][] = [
    ["an unknown path", 400, "PathNotSupported", { path: "/" }],
    ["an unknown operation", 400, "PathNotSupported", { path: `${services}/a/none` }],
    ["a version of the API that is not there", 400, "PathNotSupported", { path: "/2099-01-01/services" }],
    ["an unknown method", 400, "PathNotSupported", { path: services, method: "PATCH" }],
    ["a path with a final slash", 400, "PathNotSupported", { path: `${services}/` }],
    ["a body that is no JSON", 400, "InvalidArgument", { path: services, method: "POST", body: "{" }],
    ["a body that is no object", 400, "InvalidArgument", { path: services, method: "POST", body: "[1]" }],
    ["an unsigned request", 400, "MissingRequiredHeader", { path: services, headers: { authorization: undefined } }],
    [
      "a body other than the signed one",
      403,
      "SignatureNotMatch",
      { path: services, method: "POST", body: "{}", bodySent: '{"serviceName":"a"}' },
    ],
    [
      "a body where none was signed",
      403,
      "SignatureNotMatch",
      { path: `${services}/a`, method: "DELETE", bodySent: "x", headers: { "transfer-encoding": "chunked" } },
    ],
    [
      "a name that is not this machine's",
      403,
      "AccessDenied",
      { path: services, headers: { host: "rebound.example.com:8085" } },
    ],
    ["a Host header that is none", 400, "InvalidArgument", { path: services, headers: { host: "a b" } }],
    [
      "a large body",
      400,
      "EntityTooLarge",
      { path: services, method: "POST", body: JSON.stringify({ d: "x".repeat(1024 ** 2) }) },
    ],
    ["a name with a slash in it", 404, "ServiceNotFound", { path: `${services}/a%2Fb` }],
  ];
  for (const [what, status, code, request] of refused) {
    test(`${what} is refused with ${status} ${code}, as JSON with all five keys`, () =>
      withControl(async ({ control }) => {
        assertError(await send(control.apiPort, request), status, code);
      }));
  }

  test("a request signed with a wrong secret is refused, and nothing happens", () =>
    withControl(async ({ control, sdk }) => {
      const stranger = sdkClient(control.apiPort, { accessKeySecret: "guessed" });
      const request = new fc.CreateServiceRequest({ serviceName: "svc" });
      await assert.rejects(stranger.createService(request), { code: "SignatureNotMatch" });
      assert.deepEqual((await sdk.listServices(new fc.ListServicesRequest({}))).body.services, []);
    }));

  test("what is no HTTP is answered with JSON and a request id", () =>
    withControl(async ({ control }) => {
      const socket = connect(control.apiPort, "127.0.0.1");
      socket.write("nonsense\r\n\r\n");
      const answer = await text(socket);
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /X-Fc-Request-Id: [0-9a-f-]{36}\r\n/);
      const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as Record<string, unknown>;
      assert.equal(body["Code"], "InvalidArgument");
    }));

  test("204 has no content type and no body, and a request id", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await createTrigger(underTest);
      const path = `${services}/svc/functions/fn/triggers/http`;
      const answer = await send(underTest.control.apiPort, { method: "DELETE", path });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers["content-type"], undefined);
      assert.equal(answer.text, "");
      assert.match(String(answer.headers["x-fc-request-id"]), /^[0-9a-f-]{36}$/);
    }));

  test("a package of many megabytes passes, sent in chunks without a length", () =>
    withControl(async (underTest) => {
      const content = randomBytes(15 * 1024 ** 2).toString("latin1");
      await createFunction(underTest);
      const zipFile = rawZip([{ name: "bootstrap", content, method: 0 }]).toString("base64");
      const answer = await send(underTest.control.apiPort, {
        method: "PUT",
        path: `${services}/svc/functions/fn`,
        body: JSON.stringify({ code: { zipFile } }),
        headers: { "transfer-encoding": "chunked" },
      });
      assert.equal(answer.status, 200, answer.text.slice(0, 300));
    }));

  test("listens on several hosts with one port", async () => {
    const ipv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
    const hosts = ["127.0.0.1", "::1"];
    await withControl(
      async ({ control }) => {
        for (const host of ipv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
          const socket = connect(control.apiPort, host);
          await once(socket, "connect");
          socket.destroy();
        }
      },
      { change: { listen: { hosts, port: 0 } } },
    );
  });

  test("a port that is in use is named in one line", () =>
    withControl(({ control }) =>
      assert.rejects(HttpServer.listen({ handle: () => {}, hosts: ["127.0.0.1"], port: control.apiPort }), {
        message: /^Cannot listen on 127\.0\.0\.1:\d+ for the API: the port is in use: /,
      }),
    ));
});

test("isOwnHost: this machine's names with any port, and nothing that only looks like them", () => {
  for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1:8085", "[::1]:8085", "[::1]"]) {
    assert.equal(isOwnHost(host, []), true, host);
  }
  for (const host of [
    undefined,
    "",
    "localhost.evil.com",
    "evil.com",
    "127.0.0.1.evil.com:80",
    "localhost:80:80",
    "::1",
    "[::1]x",
    "a@localhost",
  ]) {
    assert.equal(isOwnHost(host, []), false, host);
  }
  assert.equal(isOwnHost("192.168.0.7:8085", ["192.168.0.7"]), true);
  assert.equal(isOwnHost("[fd00::7]:8085", ["fd00::7"]), true);
});
