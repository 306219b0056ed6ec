import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { goMissing, missingPart } from "../test/support/clients.ts";
import { benches } from "./benches.ts";

/** The bars of each bench, as docs/performance.md promises them. */
const BARS: Readonly<Record<string, readonly string[]>> = {
  "gateway-cpu": [
    "1x1-vs-haproxy",
    "100x1-vs-haproxy",
    "10x10-vs-haproxy",
    "10x10-vs-node-http2",
    "10x10-real-vs-haproxy",
  ],
  "gateway-latency": ["added-p50-ms", "added-p99-ms"],
  "gateway-bytes": ["unary-vs-haproxy", "stream-vs-haproxy", "seconds-for-100mb-at-50ms"],
  "gateway-memory": ["connection-over-tls-kb", "connection-vs-node-http2", "stream-kb", "route-kb"],
  "cold-start": ["p50-ms", "p95-ms", "without-root-p50-ms", "over-bare-exec-p50-ms", "p50-with-10000-connections-ms"],
  "scale-out": ["seconds-to-100", "failed-calls"],
  redeploy: ["failed-calls", "p99-vs-steady"],
  api: ["get-p99-ms", "list-p99-ms", "deploy-s", "gateway-p99-vs-quiet"],
  fleet: ["start-s", "call-vs-alone", "change-p95-ms"],
  abuse: ["p99-under-attack"],
  admission: ["microseconds", "10000-vs-1"],
  policies: [],
};

function programMissing(command: string): string | undefined {
  return spawnSync("sh", ["-c", `command -v ${command}`]).status === 0 ? undefined : `${command} is not installed`;
}

const h2loadMissing = missingPart(programMissing("h2load"));
const sandboxMissing = missingPart(
  process.getuid?.() === 0 ? programMissing("bwrap") : "the sandbox's bench looks at it as root",
);

const NEEDS: Readonly<Record<string, string | false>> = {
  "gateway-cpu": goMissing || h2loadMissing,
  "gateway-latency": goMissing,
  "gateway-bytes": goMissing || h2loadMissing,
  "gateway-memory": goMissing || h2loadMissing,
  "cold-start": goMissing || sandboxMissing,
  "scale-out": goMissing || sandboxMissing,
  redeploy: goMissing || sandboxMissing,
  api: goMissing,
  fleet: goMissing,
  abuse: goMissing,
};

test("every bench is in this test", () => {
  assert.deepEqual(Object.keys(benches).sort(), Object.keys(BARS).sort());
});

for (const [name, bars] of Object.entries(BARS)) {
  test(`bench ${name} runs, with all its rows and bars`, { skip: NEEDS[name] ?? false, timeout: 120_000 }, async () => {
    const bench = await benches[name]?.();
    const result = await bench?.run({ seconds: 1, pairs: 1 });
    assert.ok(result !== undefined);
    assert.equal(result.bench, name);
    assert.ok(result.rows.length > 0);
    for (const row of result.rows) {
      for (const [column, value] of Object.entries(row))
        assert.ok(!Number.isNaN(value), `${column} of ${JSON.stringify(row)}`);
    }
    assert.deepEqual(result.bars.map((bar) => bar.name).sort(), [...bars].sort());
  });
}
