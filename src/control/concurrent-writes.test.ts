import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ControlUnderTest, withControl } from "./testing/control-under-test.ts";
import { createFunction, createTrigger, publish, zipOf } from "./testing/samples.ts";
import { type RawAnswer, send } from "./testing/signed-request.ts";

const API = "/2021-04-06";
const FUNCTION = `${API}/services/svc/functions/fn`;

/** One resource of each kind that has an ETag. */
async function everyKind(underTest: ControlUnderTest): Promise<void> {
  await createFunction(underTest);
  await createTrigger(underTest);
  await publish(underTest);
  await put(underTest, "POST", `${API}/services/svc/aliases`, { aliasName: "live", versionId: "1" });
  await put(underTest, "POST", `${API}/custom-domains`, { domainName: "a.example", protocol: "HTTP" });
  await put(underTest, "PUT", `${FUNCTION}/on-demand-config?qualifier=live`, { maximumInstanceCount: 1 });
}

async function put(
  { control }: ControlUnderTest,
  method: string,
  path: string,
  body: unknown,
  ifMatch?: string,
): Promise<RawAnswer> {
  const headers = { ...(ifMatch !== undefined && { "if-match": ifMatch }) };
  return send(control.apiPort, { method, path, body: JSON.stringify(body), headers });
}

const triggerConfig = (methods: string[]) => JSON.stringify({ authType: "anonymous", methods });
const route = (path: string) => [{ path, serviceName: "svc", functionName: "fn", qualifier: "LATEST" }];

/** Path, and what each of two writers wants of it: a change, and what reading it shows. */
const KINDS: [
  what: string,
  path: string,
  left: object,
  right: object,
  shown: (json: Record<string, unknown>) => unknown,
][] = [
  [
    "a service",
    `${API}/services/svc`,
    { description: "l" },
    { description: "r" },
    (json) => ({ description: json["description"] }),
  ],
  ["a function", FUNCTION, { timeout: 11 }, { timeout: 12 }, (json) => ({ timeout: json["timeout"] })],
  [
    "a trigger",
    `${FUNCTION}/triggers/http`,
    { triggerConfig: triggerConfig(["GET"]) },
    { triggerConfig: triggerConfig(["POST"]) },
    (json) => ({ triggerConfig: triggerConfig(JSON.parse(String(json["triggerConfig"])).methods) }),
  ],
  [
    "a custom domain",
    `${API}/custom-domains/a.example`,
    { routeConfig: { routes: route("/l") } },
    { routeConfig: { routes: route("/r") } },
    (json) => ({
      routeConfig: { routes: route((json["routeConfig"] as { routes: { path: string }[] }).routes[0]?.path ?? "") },
    }),
  ],
  [
    "an alias",
    `${API}/services/svc/aliases/live`,
    { description: "l" },
    { description: "r" },
    (json) => ({ description: json["description"] }),
  ],
  [
    "an on-demand config",
    `${FUNCTION}/on-demand-config?qualifier=live`,
    { maximumInstanceCount: 5 },
    { maximumInstanceCount: 6 },
    (json) => ({ maximumInstanceCount: json["maximumInstanceCount"] }),
  ],
];

describe("two writers at once", () => {
  test("with the same ETag: one wins, the other gets 412, and what stands is the winner's", () =>
    withControl(async (underTest) => {
      await everyKind(underTest);
      for (const [what, path, left, right, shown] of KINDS) {
        for (let round = 0; round < 5; round += 1) {
          const etag = String((await send(underTest.control.apiPort, { path })).headers["etag"]);
          const answers = await Promise.all([left, right].map((body) => put(underTest, "PUT", path, body, etag)));
          assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412], `${what}: ${answers[0]?.text}`);
          const lost = answers.find(({ status }) => status === 412);
          assert.equal(lost?.json()["ErrorCode"], "PreconditionFailed");
          const read = await send(underTest.control.apiPort, { path });
          assert.deepEqual(shown(read.json()), answers[0]?.status === 200 ? left : right, what);
          assert.equal(read.headers["etag"], answers.find(({ status }) => status === 200)?.headers["etag"], what);
        }
      }
    }));

  test("without ETags, each changing something else: both changes stand, also where one brings code", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      for (let round = 1; round <= 10; round += 1) {
        const bodies = [
          { timeout: 100 + round },
          { memorySize: 512 + 64 * round },
          { code: { zipFile: zipOf(`#!/bin/sh\n# ${round}\n`) } },
          { description: `round ${round}` },
        ];
        const answers = await Promise.all(bodies.map((body) => put(underTest, "PUT", FUNCTION, body)));
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200, 200],
        );
        const checksum = answers[2]?.json()["codeChecksum"];
        const { timeout, memorySize, description, codeChecksum } = (
          await send(underTest.control.apiPort, { path: FUNCTION })
        ).json();
        assert.deepEqual(
          { timeout, memorySize, description, codeChecksum },
          { timeout: 100 + round, memorySize: 512 + 64 * round, description: `round ${round}`, codeChecksum: checksum },
        );
        assert.equal(
          new Set(answers.map(({ headers }) => headers["etag"])).size,
          4,
          "each write has an ETag of its own",
        );
      }
    }));

  test("creating the same, deleting the same: one of each wins", () =>
    withControl(async (underTest) => {
      const create = () => put(underTest, "POST", `${API}/services`, { serviceName: "twice" });
      const created = await Promise.all([create(), create(), create()]);
      assert.deepEqual(created.map(({ status }) => status).sort(), [200, 409, 409]);
      const remove = () => send(underTest.control.apiPort, { method: "DELETE", path: `${API}/services/twice` });
      const removed = await Promise.all([remove(), remove(), remove()]);
      assert.deepEqual(removed.map(({ status }) => status).sort(), [204, 404, 404]);
    }));

  test("many versions published at once are numbered without gap or repetition", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      const ids = await Promise.all(Array.from({ length: 10 }, () => publish(underTest)));
      assert.deepEqual(
        ids.map(Number).sort((left, right) => left - right),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
    }));
});
