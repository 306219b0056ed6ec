import { streamAttacks } from "./attacks/streams.ts";
import { attackSuite } from "./support/suite.ts";

attackSuite("attacks: streams", streamAttacks);
