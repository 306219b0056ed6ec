/** A control plane in a temporary folder, the main loop that it talks to, and the official SDK as its client. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fcPackage, * as fc from "@alicloud/fc-open20210406";
import { Config } from "@alicloud/openapi-client";
import { credentials, type OpenControlPlane, openControlPlane, type UnderTestOptions } from "./open-control.ts";

export { credentials, endpoint, FakeMain, type UnderTestOptions } from "./open-control.ts";
export { fc };

// The package is CommonJS: its default export is one level down.
const FcClient = fcPackage.default;

export interface ControlUnderTest extends OpenControlPlane {
  readonly sdk: InstanceType<typeof FcClient>;
}

/** Runs `work` with a control plane, then closes it and removes its folder. */
export async function withControl(
  work: (underTest: ControlUnderTest) => Promise<void>,
  options: UnderTestOptions = {},
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "sluice-control-"));
  try {
    const underTest = await openControl(dataDir, options);
    try {
      await work(underTest);
    } finally {
      await underTest.control.close();
    }
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

export async function openControl(dataDir: string, options: UnderTestOptions = {}): Promise<ControlUnderTest> {
  const opened = await openControlPlane(dataDir, options);
  return { ...opened, sdk: sdkClient(opened.control.apiPort) };
}

/** The official client, as users point it at Sluice, with what `change` sets beside. */
export function sdkClient(port: number, change: Readonly<Record<string, string>> = {}): InstanceType<typeof FcClient> {
  const config = new Config({
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.accessKeySecret,
    endpoint: `127.0.0.1:${port}`,
    protocol: "http",
    ...change,
  });
  return new FcClient(config as unknown as ConstructorParameters<typeof FcClient>[0]);
}
