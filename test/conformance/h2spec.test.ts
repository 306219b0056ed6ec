/**
 * h2spec over TLS against a real Sluice: all of its cases, the strict ones too, and no list of expected failures. The
 * first run is h2spec as it is, whose requests are no gRPC calls: the gateway itself answers them. In the second one
 * its requests are gRPC calls, and a function answers with more than the first windows hold, so that every case about
 * flow control has DATA to work with and every answer has passed through both of the gateway's connections.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type H2specPrograms, h2specPrograms } from "../fixtures/build-h2spec.ts";
import { folderOf, goMissing } from "../support/clients.ts";
import { runCommand, Sluice } from "../support/sluice.ts";

/** Cases of h2spec 2.2.1 for servers with -S: 44 generic, 95 http2, 7 hpack. */
const CASES = 146;

/** How long h2spec waits for what a case expects, in seconds; only a failure takes so long. */
const CASE_TIMEOUT_S = 2;

const RUN_TIMEOUT_MS = 180_000;

describe("h2spec", { skip: goMissing, timeout: 2 * RUN_TIMEOUT_MS }, () => {
  let programs: H2specPrograms;
  let sluice: Sluice;

  before(async () => {
    programs = await h2specPrograms();
    sluice = await Sluice.start();
  });
  after(() => sluice?.stop());

  /** Runs h2spec with a path to ask for; asserts that every case was run and passed. */
  async function assertAllPass(program: string, path: string): Promise<void> {
    const report = join(sluice.dataDir, "h2spec.xml");
    const { hostname, port } = new URL(`https://${sluice.endpoint.grpcAddress}`);
    const flags = [
      "-t",
      "-k",
      "-S",
      "-h",
      hostname,
      "-p",
      port,
      "-P",
      path,
      "-o",
      String(CASE_TIMEOUT_S),
      "-j",
      report,
    ];
    const { stdout, stderr } = await runCommand("timeout", [String(RUN_TIMEOUT_MS / 1000), program, ...flags]);
    const summary = /^\d+ tests, \d+ passed, \d+ skipped, \d+ failed$/m.exec(stdout)?.[0];
    assert.ok(summary, `h2spec did not come to its end:\n${stdout.slice(-2000)}${stderr}`);
    const failures = stdout.slice(Math.max(0, stdout.indexOf("Failures:")));
    assert.equal(summary, `${CASES} tests, ${CASES} passed, 0 skipped, 0 failed`, failures);
    const cases = readFileSync(report, "utf8").match(/<testcase /g)?.length;
    assert.equal(cases, CASES, "the report has every case");
  }

  test(`all ${CASES} cases pass where the gateway answers`, async (t) => {
    await assertAllPass(programs.h2spec, "/");
    t.diagnostic(`h2spec: ${CASES} passed, 0 skipped, 0 failed`);
  });

  test(`all ${CASES} cases pass where a function answers with more than the windows hold`, async (t) => {
    await sluice.deploy({
      name: "large",
      codeUri: folderOf(programs.large),
      function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./large"] } },
    });
    await assertAllPass(programs.h2specGrpc, "/h2spec.Cases/Run");
    const lines = await sluice.logs("test/large");
    assert.ok(lines.length > 0, "the function was called");
    t.diagnostic(`h2spec through a function: ${CASES} passed, 0 skipped, 0 failed`);
  });
});
