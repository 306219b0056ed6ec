/** Answers asked for and not taken, bodies sent that nobody takes: what flow control bounds. */
import { Flag } from "../../../src/h2/frames.ts";
import { data, windowUpdate } from "../../../src/h2/testing/script.ts";
import type { Attack } from "../support/attack.ts";
import { type Attacker, headersOf, pause } from "../support/attacker.ts";

/** SETTINGS_INITIAL_WINDOW_SIZE. */
const window = (bytes: number): readonly [number, number][] => [[4, bytes]];

/** A request of test.Echo with a payload of 16,000 bytes: field 1 of EchoRequest. */
const LARGE_REQUEST = Buffer.concat([Buffer.from([0, 0, 0, 0x3e, 0x83, 0x0a, 0x80, 0x7d]), Buffer.alloc(16_000, "a")]);

/** Asks for an answer of `repeat` times 16,000 bytes. */
function ask(attacker: Attacker, repeat: number): Buffer {
  const id = attacker.nextStream();
  const head = headersOf(id, attacker.block("ServerStream", ["x-repeat", String(repeat)]), Flag.END_HEADERS);
  return Buffer.concat([head, data(id, LARGE_REQUEST, true)]);
}

export const flowAttacks: readonly Attack[] = [
  {
    name: "large answers behind a zero window",
    source: "Data Dribble, CVE-2019-9511",
    limits: ["streamWindowBytes"],
    end: { by: "nothing" },
    settings: window(0),
    // 100 streams x 256 KiB that the function may send ahead, and what carries them.
    memoryMaxMib: 100 * 0.25 * 2,
    async play(attacker) {
      await attacker.flood(100, () => ask(attacker, 1000));
      await pause(1000);
    },
  },
  {
    name: "large answers, a byte of window at a time",
    source: "Data Dribble, CVE-2019-9511",
    limits: ["streamWindowBytes", "windowUpdatesBurst"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "window_update_flood" },
    settings: window(0),
    memoryMaxMib: 100 * 0.25 * 2,
    async play(attacker) {
      await attacker.flood(100, () => ask(attacker, 1000));
      await pause(500);
      // Each update of a byte is answered by a DATA frame of a byte, which gives some of the budget back.
      await attacker.flood(200_000, (index) => windowUpdate(1 + 2 * (index % 100), 1));
    },
  },
  {
    name: "large answers into a socket that nobody reads",
    source: "Internal Data Buffering, CVE-2019-9517",
    limits: ["streamWindowBytes", "writeBufferMaxBytes"],
    end: { by: "nothing" },
    settings: window(2 ** 31 - 1),
    memoryMaxMib: 100 * 0.25 * 2,
    async play(attacker) {
      attacker.send(windowUpdate(0, 2 ** 30));
      attacker.stopReading();
      await attacker.flood(100, () => ask(attacker, 200));
      await pause(1000);
      attacker.readAgain();
    },
  },
];
