import assert from "node:assert/strict";
import { Flag, FrameType } from "../../../src/h2/frames.ts";
import { frame } from "../../../src/h2/testing/script.ts";
import { type Attack, type AttackEnd, MEMORY_MAX_MIB } from "./attack.ts";
import { Attacker } from "./attacker.ts";
import { HonestClient } from "./honest-client.ts";
import { forgetPeak, memoryOf } from "./memory.ts";
import type { Target } from "./target.ts";

const MIB = 1024 * 1024;

/** A GOAWAY for a fault is followed by the end of the connection within a second; the rest is for a busy machine. */
const GOODBYE_MAX_MS = 3000;

/**
 * Plays an attack and checks all that must be true of it: its end, the gateway's memory, an honest client beside it, and
 * that log and metrics name the refusal.
 */
export async function playAttack(target: Target, attack: Attack): Promise<{ readonly memoryMib: number }> {
  using victim = new HonestClient(target.victim);
  await victim.call();
  const token = attack.end.by === "nothing" ? undefined : attack.end.token;
  const refusedBefore = token === undefined ? 0 : await target.refusals(token);
  const before = memoryOf(target.pid).residentBytes;
  forgetPeak(target.pid);
  const attackers = await openAttackers(target, attack);
  try {
    await Promise.all(attackers.map((attacker) => attack.play(attacker)));
    for (const attacker of attackers) await checkEnd(attacker, attack.end);
    await victim.call();
    using another = new HonestClient(target.victim);
    await another.call();
  } finally {
    for (const attacker of attackers) attacker.destroy();
  }
  if (token !== undefined) await target.untilRefused(token, refusedBefore);
  const memoryMib = (memoryOf(target.pid).peakBytes - before) / MIB;
  const mostMib = attack.memoryMaxMib ?? MEMORY_MAX_MIB;
  assert.ok(memoryMib <= mostMib, `the gateway grew by ${memoryMib.toFixed(1)} MiB; ${mostMib} are allowed`);
  return { memoryMib };
}

function openAttackers(target: Target, attack: Attack): Promise<Attacker[]> {
  const { connections = 1, greeting = "whole", settings = [] } = attack;
  return Promise.all(Array.from({ length: connections }, () => Attacker.connect(target.attacked, greeting, settings)));
}

async function checkEnd(attacker: Attacker, end: AttackEnd): Promise<void> {
  switch (end.by) {
    case "goaway":
      await attacker.until("GOAWAY", () => attacker.goAway !== undefined);
      assert.deepEqual(attacker.goAway, { code: end.code, token: end.token });
      await attacker.untilClosed(GOODBYE_MAX_MS);
      break;
    case "reset":
      await attacker.until("RST_STREAM", () => attacker.resets.includes(end.code));
      await assertAlive(attacker);
      break;
    case "status":
      await attacker.until("an answer", () => attacker.statuses.includes(String(end.status)));
      await assertAlive(attacker);
      break;
    case "close":
      // Whoever does not read does not see the end either.
      attacker.readAgain();
      await attacker.untilClosed(end.withinMs);
      break;
    case "nothing":
      await assertAlive(attacker);
      break;
    default:
      throw new Error(`Unknown end ${end satisfies never}`);
  }
}

/** The gateway still answers on the connection. */
async function assertAlive(attacker: Attacker): Promise<void> {
  const payload = Buffer.from("is alive");
  attacker.send(frame(FrameType.PING, 0, 0, payload));
  await attacker.until("the answer to a PING", () =>
    attacker.frames.some((got) => got.type === "PING" && (got.flags & Flag.ACK) !== 0 && got.payload.equals(payload)),
  );
}
