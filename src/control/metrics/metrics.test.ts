import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FunctionKey, FunctionStatus, InstanceId, MainCounts, RevisionId } from "../../model/model.ts";
import { type ControlUnderTest, withControl } from "../testing/control-under-test.ts";
import { send } from "../testing/signed-request.ts";
import { METRICS } from "./metrics.ts";

const COUNTS: MainCounts = {
  refusals: { reset_flood: 3, 'quo"ted': 1 },
  clientConnections: 12,
  openCalls: 5,
  endedCalls: { 0: 100, 13: 2 },
  platformEndedCalls: { FunctionExited: 2 },
  droppedReports: 7,
};

const STATUS: FunctionStatus = {
  function: "svc/fn" as FunctionKey,
  instances: (["ready", "ready", "starting"] as const).map((phase, index) => ({
    instanceId: `i-${index}` as InstanceId,
    revisionId: "r1" as RevisionId,
    phase,
    openCalls: 0,
    startedAt: 0,
  })),
};

async function scrape({ url }: ControlUnderTest): Promise<{ lines: readonly string[]; response: Response }> {
  const response = await fetch(`${url}/metrics`);
  return { lines: (await response.text()).trimEnd().split("\n"), response };
}

describe("GET /metrics", () => {
  test("needs no signature, and shows what the main loop said last", () =>
    withControl(async (underTest) => {
      underTest.main.channel.post({ type: "counts", counts: { ...COUNTS, openCalls: 4711 } });
      underTest.main.channel.post({ type: "counts", counts: COUNTS });
      underTest.main.report({ functions: [STATUS] });
      const { lines, response } = await scrape(underTest);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
      for (const line of [
        'sluice_gateway_refusals_total{token="reset_flood"} 3',
        'sluice_gateway_refusals_total{token="quo\\"ted"} 1',
        "sluice_gateway_client_connections 12",
        "sluice_gateway_open_calls 5",
        'sluice_gateway_calls_ended_total{grpc_status="OK"} 100',
        'sluice_gateway_calls_ended_total{grpc_status="INTERNAL"} 2',
        'sluice_gateway_calls_ended_total{grpc_status="ABORTED"} 0',
        'sluice_gateway_calls_ended_by_platform_total{error_type="FunctionExited"} 2',
        'sluice_instances{phase="ready"} 2',
        'sluice_instances{phase="starting"} 1',
        'sluice_instances{phase="stopping"} 0',
        "sluice_reports_dropped_total 7",
      ]) {
        assert.ok(lines.includes(line), `${line} is not in\n${lines.join("\n")}`);
      }
    }));

  test("describes every metric of the table, before anything was counted, scrape after scrape", () =>
    withControl(async (underTest) => {
      await scrape(underTest);
      const { lines } = await scrape(underTest);
      for (const [name, { type, meaning }] of Object.entries(METRICS)) {
        assert.ok(lines.includes(`# HELP ${name} ${meaning}`), name);
        assert.ok(lines.includes(`# TYPE ${name} ${type}`), name);
      }
      const memory = lines.find((line) => line.startsWith("process_resident_memory_bytes "));
      assert.ok(Number(memory?.split(" ")[1]) > 1e6, memory);
    }));

  test("is refused under a name that is not this machine's; any other method or path needs its signature", () =>
    withControl(async ({ control }) => {
      const unsigned = { authorization: undefined };
      const rebound = { path: "/metrics", headers: { ...unsigned, host: "rebound.example.com" } };
      assert.equal((await send(control.apiPort, rebound)).json()["Code"], "AccessDenied");
      for (const request of [{ path: "/metrics", method: "POST" }, { path: "/metrics/" }, { path: "/metrics/x" }]) {
        const answer = await send(control.apiPort, { ...request, headers: unsigned });
        assert.equal(answer.json()["Code"], "MissingRequiredHeader", request.path);
      }
    }));
});
