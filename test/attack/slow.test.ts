import { slowAttacks } from "./attacks/slow.ts";
import { SLOW_SETTINGS_ACK_MS } from "./support/attack.ts";
import { attackSuite } from "./support/suite.ts";

/** All attackers come from one address at once: each shall meet the limit that it is about, not this one. */
const TOGETHER_HANDSHAKES = 1000;

attackSuite("attacks: slow clients", slowAttacks, {
  together: true,
  configuration: { settingsAckTimeoutMs: SLOW_SETTINGS_ACK_MS, handshakesPerAddressMax: TOGETHER_HANDSHAKES },
});
