/**
 * A process that plays all attacks again and again until it is ended: those of a moment one after the other as fast as
 * they go, beside them those of flow control, and all slow ones at once. argv: a Mark as JSON.
 */
import { setImmediate as turn } from "node:timers/promises";
import { attacksByFile } from "../attacks/all.ts";
import type { Attack } from "./attack.ts";
import { Attacker, type Mark } from "./attacker.ts";

const mark: Mark = JSON.parse(process.argv[2] ?? "");
const { flow = [], slow = [], ...others } = attacksByFile;
let played = 0;

async function play({ connections = 1, greeting = "whole", settings = [], play: attackWith }: Attack): Promise<void> {
  const one = async () => {
    const attacker = await Attacker.connect(mark, greeting, settings);
    try {
      await attackWith(attacker);
    } finally {
      attacker.destroy();
    }
  };
  // That an attack is cut short is the point.
  await Promise.allSettled(Array.from({ length: connections }, one));
  played += 1;
}

async function playInTurn(attacks: readonly Attack[]): Promise<never> {
  for (;;) {
    for (const attack of attacks) await play(attack);
    // Where all fail at once the loop would otherwise never turn, and no signal be heard.
    await turn();
  }
}

// Whoever started it is gone: nobody would end it.
process.stdin.resume().on("end", () => process.exit(1));
process.on("SIGTERM", () => {
  process.stdout.write(`${played}\n`);
  process.exit(0);
});
process.stdout.write("attacking\n");
await Promise.all([
  playInTurn(Object.values(others).flat()),
  playInTurn(flow),
  ...slow.map((attack) => playInTurn([attack])),
]);
