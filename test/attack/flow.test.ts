import { flowAttacks } from "./attacks/flow.ts";
import { attackSuite } from "./support/suite.ts";

attackSuite("attacks: flow control", flowAttacks);
