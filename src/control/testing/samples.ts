import { rawZip } from "../code/testing/raw-zip.ts";
import { type ControlUnderTest, fc } from "./control-under-test.ts";

/** A package with a bootstrap; another `content` makes another package. */
export function zipOf(content = "#!/bin/sh\n"): string {
  return rawZip([{ name: "bootstrap", content, mode: 0o100755 }]).toString("base64");
}

export function codeOf(content?: string) {
  return new fc.Code({ zipFile: zipOf(content) });
}

/** Service `svc` with function `fn`. */
export async function createFunction({ sdk }: ControlUnderTest, settings: object = {}) {
  await sdk.createService(new fc.CreateServiceRequest({ serviceName: "svc" }));
  const request = { functionName: "fn", runtime: "custom.debian10", code: codeOf(), ...settings };
  return sdk.createFunction("svc", new fc.CreateFunctionRequest(request));
}

/** Publishes `svc` as it stands; gives the version's id. */
export async function publish({ sdk }: ControlUnderTest): Promise<string> {
  const { body } = await sdk.publishServiceVersion("svc", new fc.PublishServiceVersionRequest({}));
  return body.versionId ?? "";
}

/** Http trigger `http` of `svc/fn`. */
export async function createTrigger({ sdk }: ControlUnderTest, config: object = {}, given: object = {}) {
  const triggerConfig = JSON.stringify({ authType: "anonymous", methods: ["GET", "POST"], ...config });
  const request = new fc.CreateTriggerRequest({ triggerName: "http", triggerType: "http", triggerConfig, ...given });
  return sdk.createTrigger("svc", "fn", request);
}
