import Fc2, { type Fc2Answer, type Fc2CallName, type Fc2Client } from "@alicloud/fc2";
import { credentials } from "./control-under-test.ts";

export type { Fc2Answer, Fc2CallName, Fc2Client };

/** The SDK `fc2`, as the components of Serverless Devs point it at Sluice. */
export function fc2Client(port: number, secret = credentials.accessKeySecret): Fc2Client {
  return new Fc2(credentials.accountId, {
    accessKeyID: credentials.accessKeyId,
    accessKeySecret: secret,
    region: "local",
    endpoint: `http://127.0.0.1:${port}`,
  });
}
