import assert from "node:assert/strict";
import { test } from "node:test";
import { goMissing } from "../support/clients.ts";
import { Target } from "./support/target.ts";
import { failedCalls, measureVictim } from "./support/victim.ts";

/**
 * What attacker, attacked function and gateway add to a call where they share two cores with the victim and its client:
 * they wait for a processor, whatever the gateway does. What the gateway itself adds is the bench's to tell
 * (`npm run bench -- abuse`).
 */
const SHARED_MACHINE_MS = 500;

test("a victim's calls all succeed, and soon, while one process plays all attacks", {
  skip: goMissing,
}, async (context) => {
  await using target = await Target.start();
  const { quiet, attacked, attacks } = await measureVictim(target, 5);
  context.diagnostic(`p99 ${quiet.latencyMs.p99} ms quiet, ${attacked.latencyMs.p99} ms under ${attacks} attacks`);
  assert.ok(attacks > 20, `only ${attacks} attacks were played`);
  assert.equal(failedCalls(quiet), 0, JSON.stringify(quiet.errors));
  assert.equal(failedCalls(attacked), 0, JSON.stringify(attacked.errors));
  const mostMs = 2 * quiet.latencyMs.p99 + SHARED_MACHINE_MS;
  assert.ok(attacked.latencyMs.p99 <= mostMs, `p99 was ${attacked.latencyMs.p99} ms; ${mostMs} ms are allowed`);
});
