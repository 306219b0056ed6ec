/** Every operation of API 2016-08-15, as Serverless Devs and the SDK `fc2` have them. */
import { commonOperations } from "./common.ts";
import type { Operation } from "./operation.ts";

export const operations20160815: readonly Operation[] = [...commonOperations];
