import type { Attack } from "../support/attack.ts";
import { controlFrameAttacks } from "./control-frames.ts";
import { flowAttacks } from "./flow.ts";
import { headerAttacks } from "./headers.ts";
import { slowAttacks } from "./slow.ts";
import { streamAttacks } from "./streams.ts";

/** Every attack, by the test file that plays it. */
export const attacksByFile: Readonly<Record<string, readonly Attack[]>> = {
  streams: streamAttacks,
  headers: headerAttacks,
  "control-frames": controlFrameAttacks,
  flow: flowAttacks,
  slow: slowAttacks,
};
