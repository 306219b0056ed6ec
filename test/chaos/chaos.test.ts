/**
 * Chaos: a fleet of functions under about 500 calls a second while instances are killed, stopped and replaced, speak
 * garbage, run out of memory and do not start. What happens is decided by a seed, which is printed:
 *
 *     CHAOS_SEED=7 CHAOS_SECONDS=60 npm test -- test/chaos
 *
 * With CHAOS_EVIDENCE=DIR what a run with problems was made of is kept there: results, disturbances, logs.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, test } from "node:test";
import { rootSandboxSkip } from "../../src/drivers/testing/subjects.ts";
import { goMissing } from "../support/clients.ts";
import { runChaos } from "./support/run.ts";

const seed = Number(process.env["CHAOS_SEED"] ?? randomInt(1, 1_000_000));
const seconds = Number(process.env["CHAOS_SECONDS"] ?? 60);
const evidenceDir = process.env["CHAOS_EVIDENCE"];
/** Where the sandbox does not work, processes are killed and stopped all the same. */
const isolation = rootSandboxSkip() === false ? "sandbox" : "process";

describe("chaos", { skip: goMissing }, () => {
  test(`every call is accounted for, and nothing is left (CHAOS_SEED=${seed})`, {
    timeout: (seconds + 240) * 1000,
  }, async (context) => {
    context.diagnostic(`CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds}, isolation ${isolation}`);
    const { problems, ...figures } = await runChaos({
      seed,
      seconds,
      isolation,
      ...(evidenceDir !== undefined && { evidenceDir }),
    });
    context.diagnostic(JSON.stringify(figures));
    const shown = problems.slice(0, 20).join("\n");
    assert.equal(problems.length, 0, `CHAOS_SEED=${seed}: ${problems.length} problems\n${shown}`);
  });
});
