/** Settings of a function that is a container image (Function Compute, "Custom Container", customContainerConfig). */
import { z } from "zod";
import type { ContainerSetting } from "../../model/model.ts";
import { invalid } from "../api-error.ts";
import type { RegistryCredentials } from "../images/credential-vault.ts";
import { oneOf, settings, text } from "./validation.ts";

/** The runtime of functions that are images; every other one runs a code package. */
export const CONTAINER_RUNTIME = "custom-container";

/** Texts of a command: as many and as long as those of customRuntimeConfig. */
const TEXTS_MAX = 100;
const TEXT_MAX_CHARS = 4096;
const REFERENCE_MAX_CHARS = 512;
/** Tokens of registries in clouds are some KB. */
const PASSWORD_MAX_CHARS = 16_384;

const command = z.custom<string>(
  (value) => value === "" || (typeof value === "string" && listOf(value) !== undefined),
  `a text that holds a JSON list of at most ${TEXTS_MAX} texts, such as ["/server","-v"]`,
);

export const customContainerConfig = settings({
  image: text(REFERENCE_MAX_CHARS),
  command,
  args: command,
  accelerationType: oneOf(["Default", "None"]),
  instanceID: text(128),
  webServerMode: z.custom<boolean>(
    (value) => value === true,
    "true (this version of Sluice runs images that serve gRPC on caPort, and no jobs that end by themselves)",
  ),
  registryConfig: settings({ authConfig: settings({ userName: text(256), password: text(PASSWORD_MAX_CHARS) }) }),
});

type Given = z.output<typeof customContainerConfig>;

/** What stands beside the image's id and credentials. */
type ContainerWords = Omit<ContainerSetting, "imageId" | "sealedCredentials">;

/** What is set after a write, which changes the keys that it names and no others. Throws InvalidArgument without image. */
export function containerAfter(current: ContainerSetting | undefined, given: Given | undefined): ContainerWords {
  return {
    image: given?.image || current?.image || missingImage(),
    command: given?.command ?? current?.command ?? "",
    args: given?.args ?? current?.args ?? "",
    accelerationType: given?.accelerationType ?? current?.accelerationType ?? "Default",
    instanceID: given?.instanceID ?? current?.instanceID ?? "",
  };
}

/** Undefined: the write says nothing of them; `none`: it takes them away, by empty texts. Throws InvalidArgument. */
export function credentialsGiven(given: Given | undefined): RegistryCredentials | "none" | undefined {
  const auth = given?.registryConfig?.authConfig;
  if (auth === undefined) return undefined;
  const { userName = "", password = "" } = auth;
  if (userName === "" && password === "") return "none";
  const missing = userName === "" ? "userName" : password === "" ? "password" : undefined;
  if (missing === undefined) return { userName, password };
  return invalid(
    `customContainerConfig.registryConfig.authConfig.${missing}: expected a text beside the other, got none`,
  );
}

/** The texts of a stored `command` or `args`; undefined where none are set. */
export function textsOf(stored: string): readonly string[] | undefined {
  const texts = stored === "" ? [] : listOf(stored);
  return texts === undefined || texts.length === 0 ? undefined : texts;
}

function listOf(json: string): string[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return undefined;
  }
  const isValid =
    Array.isArray(list) &&
    list.length <= TEXTS_MAX &&
    list.every((each) => typeof each === "string" && !each.includes("\0") && each.length <= TEXT_MAX_CHARS);
  return isValid ? (list as string[]) : undefined;
}

function missingImage(): never {
  return invalid(
    `customContainerConfig.image: expected the reference of an image, which runtime ${CONTAINER_RUNTIME} needs, got nothing`,
  );
}
