import { slowAttacks } from "./attacks/slow.ts";
import { attackSuite } from "./support/suite.ts";
import { SLOW_SETTINGS_ACK_MS } from "./support/target.ts";

attackSuite("attacks: slow clients", slowAttacks, {
  together: true,
  configuration: { settingsAckTimeoutMs: SLOW_SETTINGS_ACK_MS },
});
