/** The gateway's link to real gRPC servers: what they answer to hooks, and what they make of being frozen. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/base/base.ts";
import type { InstanceLink } from "../../src/gateway/gateway.ts";
import { openLink } from "../../src/gateway/testing/link-bench.ts";
import type { InstanceQuestion } from "../../src/scheduler/scheduler.ts";
import { goMissing, testPrograms } from "../support/clients.ts";
import { ServerProcess } from "../support/server-process.ts";

const PROOF_MS = 5000;
const HEAD = [":method", "POST", ":scheme", "http", ":path", "/test.Echo/Unary", ":authority", "f"];
const CALL = [...HEAD, "te", "trailers", "content-type", "application/grpc"];
const EMPTY_MESSAGE = Buffer.alloc(5);

const INITIALIZE: InstanceQuestion = {
  kind: "http",
  method: "POST",
  path: "/initialize",
  controlPath: "/initialize",
  timeoutMs: 3000,
};
const PRE_STOP: InstanceQuestion = {
  kind: "http",
  method: "GET",
  path: "/pre-stop",
  controlPath: "/pre-stop",
  timeoutMs: 3000,
};

/** A link that stands, told the time as the gateway does. */
async function linked(server: ServerProcess) {
  const told: string[] = [];
  const up = Promise.withResolvers<void>();
  let available = Promise.withResolvers<void>();
  const link = openLink({
    clock: systemClock,
    instance: server,
    observer: {
      ready: (streamsMax) => {
        told.push(`ready ${streamsMax}`);
        up.resolve();
        available.resolve();
      },
      unavailable: () => {
        told.push("unavailable");
        available = Promise.withResolvers();
      },
      lost: (cause) => told.push(`lost ${cause.message}`),
    },
  });
  const ticking = setInterval(() => link.tick(systemClock.nowMs()), 1000);
  await up.promise;
  return {
    link,
    told,
    untilAvailable: () => available.promise,
    [Symbol.dispose]: () => {
      clearInterval(ticking);
      link.close();
    },
  };
}

/** A call, straight on the link: its grpc-status, or `unseen` where the server proved that it never saw it. */
function call(link: InstanceLink): Promise<string> {
  return new Promise((resolve) => {
    const end = (headers: readonly string[]) => resolve(headers[headers.indexOf("grpc-status") + 1] ?? "none");
    const stream = link.request(CALL, false, {
      headers: (headers, endStream) => {
        if (endStream) end(headers);
      },
      data: (chunk) => stream.consumed(chunk.length),
      trailers: end,
      reset: (code, unprocessed) => resolve(unprocessed ? "unseen" : `reset ${code}`),
      sent() {},
      closed: () => link.requestEnded(),
    });
    stream.data(EMPTY_MESSAGE, true);
  });
}

describe("a link to real servers", { skip: goMissing }, () => {
  test("hooks are not served by grpc-go, grpc-js and gRPC's C core; grpc.health.v1 is where it is registered", async () => {
    const { go, nodeClient, pythonClient } = await testPrograms();
    const script = (path: string) => path.replace(/client\.(js|py)$/, "server.$1");
    const servers: [name: string, command: string, args: string[], health: RegExp][] = [
      ["grpc-go", go.echo, [], /^answered true SERVING$/],
      ["grpc-js", nodeClient.command[0], [script(nodeClient.command[1] ?? "")], /^notServed .*12 UNIMPLEMENTED/],
    ];
    if (pythonClient !== undefined) {
      const [python, ...args] = pythonClient.command;
      servers.push(["C core", python, args.map(script), /^notServed .*12 UNIMPLEMENTED/]);
    }
    /** It resets a GET, whatever it says, so that a hook by GET is failed there and not unknown. */
    const resetsGet = "C core";
    for (const [name, command, args, health] of servers) {
      await using server = await ServerProcess.start(command, args, { FC_SERVER_PORT: "0" });
      using connected = await linked(server);
      const { link } = connected;
      assert.equal((await link.ask(INITIALIZE)).kind, "notServed", name);
      assert.equal((await link.ask(PRE_STOP)).kind, name === resetsGet ? "failed" : "notServed", name);
      const answer = await link.ask({ kind: "grpcHealth", timeoutMs: 3000 });
      const ok = answer.kind === "answered" ? ` ${answer.ok}` : "";
      assert.match(`${answer.kind}${ok} ${answer.detail}`, health, name);
      assert.equal(server.connects, 1, name);
    }
  });

  test("grpc-go, frozen and thawed 200 times without a call and 200 times with one between, keeps its connection", async () => {
    const { go } = await testPrograms();
    await using server = await ServerProcess.start(go.echo, [], { FC_SERVER_PORT: "0" });
    using connected = await linked(server);
    const { link, told } = connected;
    assert.equal(await call(link), "0");
    for (let i = 0; i < 400; i++) {
      link.suspend();
      server.freeze();
      server.thaw();
      assert.equal(await link.resume(PROOF_MS), true);
      if (i >= 200) assert.equal(await call(link), "0");
    }
    assert.equal(server.connects, 1);
    assert.equal(told.length, 1, told.join(", "));
  });

  test("grpc-go with a MaxConnectionAge of 2 s, under load and frozen in between: no call fails, no restart", async () => {
    const { go } = await testPrograms();
    const env = { FC_SERVER_PORT: "0", MAX_CONNECTION_AGE_MS: "2000" };
    await using server = await ServerProcess.start(go.echo, [], env);
    using connected = await linked(server);
    const { link, told } = connected;
    const statuses = new Map<string, number>();
    const endsAt = systemClock.nowMs() + 12_000;
    let again = 0;
    for (let round = 0; systemClock.nowMs() < endsAt; round++) {
      const worker = async () => {
        for (let i = 0; i < 50; i++) {
          await connected.untilAvailable();
          let status = await call(link);
          if (status === "unseen") {
            again += 1;
            await connected.untilAvailable();
            status = await call(link);
          }
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 5 }, worker));
      link.suspend();
      server.freeze();
      // From no time to more than the age of a connection and its grace.
      await sleep([0, 50, 700, 2500][round % 4]);
      server.thaw();
      assert.equal(await link.resume(PROOF_MS), true, `round ${round}`);
    }
    assert.deepEqual([...statuses.keys()], ["0"], `${JSON.stringify([...statuses])}, ${again} sent again`);
    assert.ok(server.connects >= 4, `${server.connects} connections`);
    assert.ok(!told.some((words) => words.startsWith("lost")), told.join(", "));
    assert.equal(server.hasExited, false);
  });
});
