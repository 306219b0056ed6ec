/** Slowloris in each of its places: what is begun and never finished holds a socket, and no longer than its limit says. */
import { PREFACE } from "../../../src/h2/frames.ts";
import type { Attack } from "../support/attack.ts";
import { SLOW_SETTINGS_ACK_MS } from "../support/attack.ts";
import { type Attacker, headersOf, pause } from "../support/attacker.ts";

/** Each holds as many sockets. */
const CONNECTIONS = 20;

/** Connections are told the time once a second; the rest is for a busy machine. */
const LATE_MS = 4000;

/** Sends `bytes` one by one, as slowly as it may seem honest. */
async function dribble(attacker: Attacker, bytes: Buffer): Promise<void> {
  for (let index = 0; !attacker.isOver && index < bytes.length; index++) {
    attacker.send(bytes.subarray(index, index + 1));
    await pause(1000);
  }
}

/** The beginning of a TLS handshake record (RFC 8446 §5.1) that announces 512 bytes. */
const HELLO = Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]), Buffer.alloc(100)]);

export const slowAttacks: readonly Attack[] = [
  {
    name: "a connection without a byte",
    source: "slowloris",
    limits: [],
    connections: CONNECTIONS,
    greeting: "tcp",
    end: { by: "close", withinMs: 10_000 + LATE_MS, token: "handshake_timeout" },
    play() {},
  },
  {
    name: "a TLS handshake, a byte a second",
    source: "slowloris",
    limits: [],
    connections: CONNECTIONS,
    greeting: "tcp",
    end: { by: "close", withinMs: 10_000 + LATE_MS, token: "handshake_timeout" },
    play: (attacker) => dribble(attacker, HELLO),
  },
  {
    name: "no preface",
    source: "slowloris",
    limits: ["firstSettingsTimeoutMs"],
    connections: CONNECTIONS,
    greeting: "tls",
    end: { by: "goaway", code: "SETTINGS_TIMEOUT", token: "first_settings_timeout" },
    play: (attacker) => attacker.untilClosed(10_000 + LATE_MS),
  },
  {
    name: "a preface, a byte a second",
    source: "slowloris",
    limits: ["firstSettingsTimeoutMs"],
    connections: CONNECTIONS,
    greeting: "tls",
    end: { by: "goaway", code: "SETTINGS_TIMEOUT", token: "first_settings_timeout" },
    play: (attacker) => dribble(attacker, PREFACE),
  },
  {
    name: "SETTINGS that are never acknowledged",
    source: "RFC 9113 §6.5.3",
    limits: ["settingsAckTimeoutMs"],
    connections: CONNECTIONS,
    greeting: "settings",
    end: { by: "goaway", code: "SETTINGS_TIMEOUT", token: "settings_ack_timeout" },
    play: (attacker) => attacker.untilClosed(SLOW_SETTINGS_ACK_MS + LATE_MS),
  },
  {
    name: "a header block that is never finished",
    source: "slowloris",
    limits: ["headerBlockTimeoutMs"],
    connections: CONNECTIONS,
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "header_block_timeout" },
    async play(attacker) {
      const block = attacker.block("Unary");
      attacker.send(headersOf(attacker.nextStream(), block.subarray(0, 10), 0));
      await attacker.untilClosed(10_000 + LATE_MS);
    },
  },
];
