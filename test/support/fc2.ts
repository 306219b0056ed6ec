/** The SDK of API 2016-08-15, as the components of Serverless Devs point it at a running Sluice. */
import Fc2, { type Fc2Client } from "@alicloud/fc2";
import type { Sluice } from "./sluice.ts";

/** With the variables that `sluice env` prints for Serverless Devs. */
export async function fc2Of(sluice: Sluice): Promise<Fc2Client> {
  const env = JSON.parse(await sluice.ok(["env", "--json"])) as Record<string, string>;
  return new Fc2(env["AccountID"] ?? "", {
    accessKeyID: env["AccessKeyID"] ?? "",
    accessKeySecret: env["AccessKeySecret"] ?? "",
    region: "local",
    endpoint: env["s_default_fc_endpoint"] ?? "",
  });
}
