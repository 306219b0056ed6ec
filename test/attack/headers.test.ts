import { headerAttacks } from "./attacks/headers.ts";
import { attackSuite } from "./support/suite.ts";

attackSuite("attacks: header blocks", headerAttacks);
