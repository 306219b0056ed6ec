import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { type Delta, functionKey, type RevisionId } from "../model/model.ts";
import { type ControlUnderTest, withControl } from "./testing/control-under-test.ts";
import { zipOf } from "./testing/samples.ts";
import { send } from "./testing/signed-request.ts";

const HOUR_MS = 3_600_000;

test("CodeSweep: a package goes only when no function names it and no instance runs it, two hours long", async () => {
  const clock = new FakeClock();
  await withControl(
    async (underTest) => {
      const { main } = underTest;
      const call = (method: string, path: string, body: object) => {
        const date = new Date(clock.epochMs());
        const request = { method, path: `/2021-04-06/services${path}`, body: JSON.stringify(body), date };
        return send(underTest.control.apiPort, request);
      };
      await call("POST", "", { serviceName: "svc" });
      const code = (content: string) => ({ code: { zipFile: zipOf(content) } });
      await call("POST", "/svc/functions", { functionName: "fn", runtime: "custom", ...code("1") });
      const first = revisionIdOf(main.last as Delta);
      await call("PUT", "/svc/functions/fn", code("2"));
      const second = revisionIdOf(main.last as Delta);

      const status = { function: functionKey("svc", "fn"), instances: [] };
      main.report({ functions: [{ ...status, serving: first }] });
      for (let hour = 0; hour < 3; hour += 1) await passHour(clock);
      assert.equal(await packageCount(underTest), 2, "the first still serves");
      main.report({ functions: [{ ...status, serving: second }] });
      await passHour(clock);
      assert.equal(await packageCount(underTest), 2, "one look is not enough");
      await passHour(clock);
      assert.equal(await packageCount(underTest), 1);
    },
    { clock },
  );
});

test("CodeSweep: what a published version names is kept until the version is deleted", async () => {
  const clock = new FakeClock();
  await withControl(
    async (underTest) => {
      const call = async (method: string, path: string, body?: object) => {
        const date = new Date(clock.epochMs());
        const text = body === undefined ? "" : JSON.stringify(body);
        const request = { method, path: `/2021-04-06/services${path}`, body: text, date };
        const answer = await send(underTest.control.apiPort, request);
        assert.ok(answer.status < 300, answer.text);
      };
      await call("POST", "", { serviceName: "svc" });
      const code = (content: string) => ({ code: { zipFile: zipOf(content) } });
      await call("POST", "/svc/functions", { functionName: "fn", runtime: "custom", ...code("1") });
      await call("POST", "/svc/versions", {});
      await call("PUT", "/svc/functions/fn", code("2"));
      for (let hour = 0; hour < 3; hour += 1) await passHour(clock);
      assert.equal(await packageCount(underTest), 2);
      await call("DELETE", "/svc/versions/1");
      for (let hour = 0; hour < 2; hour += 1) await passHour(clock);
      assert.equal(await packageCount(underTest), 1);
    },
    { clock },
  );
});

function revisionIdOf(delta: Delta): RevisionId {
  const [entry] = delta.put;
  assert.ok(entry?.kind === "function");
  return entry.revision.id;
}

async function packageCount({ dataDir }: ControlUnderTest): Promise<number> {
  return (await readdir(join(dataDir, "code"))).filter((name) => name.endsWith(".zip")).length;
}

/** An hour, and the look that it begins: it is over when the next one is due. */
async function passHour(clock: FakeClock): Promise<void> {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  const pendingCount = clock.pendingCount;
  clock.advance(HOUR_MS);
  while (clock.pendingCount < pendingCount) await turn();
}
