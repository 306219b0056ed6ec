/** The official SDK, as users point it at a running Sluice. */
import fcPackage, * as fc from "@alicloud/fc-open20210406";
import { Config } from "@alicloud/openapi-client";
import type { Sluice } from "./sluice.ts";

export { fc };

// The package is CommonJS: its default export is one level down.
const FcClient = fcPackage.default;

/** With the endpoint and the key that `sluice env` prints. */
export async function sdkOf(sluice: Sluice): Promise<InstanceType<typeof FcClient>> {
  const env = JSON.parse(await sluice.ok(["env", "--json"])) as Record<string, string>;
  const config = new Config({
    accessKeyId: env["ALIBABA_CLOUD_ACCESS_KEY_ID"] ?? "",
    accessKeySecret: env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] ?? "",
    endpoint: new URL(env["SLUICE_ENDPOINT"] ?? "").host,
    protocol: "http",
  });
  return new FcClient(config as unknown as ConstructorParameters<typeof FcClient>[0]);
}
