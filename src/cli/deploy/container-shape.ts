/** The keys of a function that is a container image (Serverless Devs, "fc: YAML", customContainerConfig). */
import { flag, mapping, needed, notHonoured, oneOf, optional, text, type ValuesOf } from "../s-yaml/shape.ts";

/** The runtime whose code is an image. */
export const CONTAINER_RUNTIME = "custom-container";

/** Function Compute takes a command as one text that holds a JSON list; a list of YAML's is another thing. */
const command = text({
  pattern: /^\s*(\[\s*("([^"\\]|\\.)*"\s*(,\s*"([^"\\]|\\.)*"\s*)*)?\])?\s*$/s,
  expected: `a text that holds a JSON list of texts, such as '["/server","-v"]'`,
});

const fields = {
  image: needed(text()),
  command: optional(command),
  args: optional(command),
  accelerationType: optional(oneOf("Default", "None")),
  instanceID: optional(text()),
  webServerMode: optional(flag),
  registryConfig: optional(
    mapping({
      authConfig: optional(mapping({ userName: needed(text()), password: needed(text()) })),
      certConfig: notHonoured,
      networkConfig: notHonoured,
    }),
  ),
};

export const containerShape = mapping(fields);

/** All keys as the API takes them. A file without registryConfig means: no credentials. */
export function containerDocument(container: ValuesOf<typeof fields>) {
  const { userName = "", password = "" } = container.registryConfig?.authConfig ?? {};
  return {
    image: container.image,
    command: container.command?.trim() ?? "",
    args: container.args?.trim() ?? "",
    accelerationType: container.accelerationType ?? "Default",
    instanceID: container.instanceID ?? "",
    webServerMode: container.webServerMode ?? true,
    registryConfig: { authConfig: { userName, password } },
  };
}

/** What a function's keys say about its code. */
interface CodeKeys {
  readonly runtime: string;
  readonly customContainerConfig: unknown;
  readonly codeUri: string | undefined;
  readonly customRuntimeConfig: unknown;
}

/** Rules between the runtime and the keys that only one kind of runtime has; `key` is where it is said. */
export function checkRuntimeKeys(
  { runtime, customContainerConfig, codeUri, customRuntimeConfig }: CodeKeys,
  refuse: (key: string, message: string) => never,
  note: (key: string, message: string) => void,
): void {
  if (runtime !== CONTAINER_RUNTIME) {
    if (customContainerConfig === undefined) return;
    refuse("customContainerConfig", `expected runtime ${CONTAINER_RUNTIME} with it, got runtime ${runtime}`);
  }
  if (customContainerConfig === undefined) {
    refuse("customContainerConfig", `expected the image that runtime ${CONTAINER_RUNTIME} runs, got nothing`);
  }
  if (codeUri !== undefined) note("codeUri", "not sent, the image is the code");
  if (customRuntimeConfig !== undefined) {
    note("customRuntimeConfig", `means nothing to runtime ${CONTAINER_RUNTIME}: see customContainerConfig.command`);
  }
}
