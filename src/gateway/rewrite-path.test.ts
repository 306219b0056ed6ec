import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteEntry } from "../model/model.ts";
import { type Answer, GatewayBench, HOST, KEY, statusOf } from "./testing/gateway-bench.ts";
import { LocalDriver } from "./testing/local-function.ts";

/** Answers OK with the path that it was called by. */
const tellsPath = LocalDriver.http2((stream, headers) => {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "x-seen-path": headers[":path"] ?? "" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
});

test("the instance sees the path as its route's rules make it; others, and the log, see it as it came", async () => {
  await using bench = await GatewayBench.start(tellsPath);
  const route: RouteEntry = {
    kind: "route",
    host: HOST,
    path: "/v1/*",
    function: KEY,
    methods: ["POST"],
    authType: "anonymous",
    internetUrlDisabled: false,
    origin: "customDomain",
    rewrite: {
      equalRules: [{ match: "/v1/a.B/Old", replacement: "/a.B/New" }],
      wildcardRules: [],
      regexRules: [
        { match: "^/v1/(?:a+)+$", replacement: "/$0" },
        { match: "^/v1", replacement: "" },
      ],
    },
  };
  bench.gateway.putRoute(route);
  const session = await bench.client();
  const seen = async (path: string) => (await bench.call(session, { ":path": path })).head["x-seen-path"];
  assert.equal(await seen("/v1/a.B/Old"), "/a.B/New");
  assert.equal(await seen("/v1/a.B/C"), "/a.B/C");
  assert.equal(await seen("/p.S/M"), "/p.S/M");
  assert.deepEqual(
    bench.ended.map(({ method }) => method),
    ["/v1/a.B/Old", "/v1/a.B/C", "/p.S/M"],
  );

  const long: Answer = await bench.call(session, { ":path": `/v1/${"a".repeat(20_000)}` });
  assert.deepEqual([statusOf(long).status, statusOf(long).errorType], ["8", "HeadersTooLarge"]);
  assert.match(statusOf(long).message, /the path of 20004 characters is too long for the rewrite rules/);

  const { rewrite: _rules, ...plain } = route;
  bench.gateway.putRoute(plain);
  assert.equal(await seen("/v1/a.B/C"), "/v1/a.B/C");
  bench.gateway.putRoute({
    ...route,
    rewrite: { equalRules: [], wildcardRules: [], regexRules: [{ match: "(", replacement: "" }] },
  });
  assert.equal(bench.errors.length, 1, "rules that cannot be used are logged");
  assert.equal(await seen("/v1/a.B/C"), "/v1/a.B/C", "and their route is not served: the call goes by the next one");
});
