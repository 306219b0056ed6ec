import { controlFrameAttacks } from "./attacks/control-frames.ts";
import { attackSuite } from "./support/suite.ts";

attackSuite("attacks: control frames and tiny frames", controlFrameAttacks);
