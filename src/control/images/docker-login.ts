import { readFile } from "node:fs/promises";
import type { RegistryCredentials } from "./credential-vault.ts";
import { canonicalRegistry } from "./registry-name.ts";

/** What `docker login` knows of a registry. */
export type DockerLogin =
  | { readonly kind: "credentials"; readonly credentials: RegistryCredentials }
  /** They are in a credential helper, a program that Sluice does not run. */
  | { readonly kind: "helper"; readonly helper: string }
  | { readonly kind: "none" };

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

const NONE: DockerLogin = { kind: "none" };

/**
 * Looks into Docker's config.json (docs.docker.com, "docker login", "Credential stores"): `auths` by registry, each
 * `auth` the base64 of `name:password`. Read anew each time: people log in while Sluice runs. Rejects with an Error
 * that names the file where it cannot be read as one.
 */
export async function dockerLogin(configFile: string, registry: string): Promise<DockerLogin> {
  const config = await readConfig(configFile);
  const helper = entryOf(config.credHelpers, registry);
  if (helper !== undefined) return { kind: "helper", helper };
  const entry = entryOf(config.auths, registry);
  if (entry === undefined) return NONE;
  const text = Buffer.from(entry.auth ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon > 0) {
    return { kind: "credentials", credentials: { userName: text.slice(0, colon), password: text.slice(colon + 1) } };
  }
  return config.credsStore === undefined ? NONE : { kind: "helper", helper: config.credsStore };
}

async function readConfig(file: string): Promise<DockerConfig> {
  try {
    const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    // Without the cause: a parser's message repeats what it read.
    const why = error instanceof SyntaxError ? "it is not JSON" : (error as Error).message;
    throw new Error(`The logins of Docker cannot be read from ${file}: ${why}. Mend the file, or remove it`);
  }
}

/** Keys are hosts, or URLs of the old API: `https://index.docker.io/v1/`. */
function entryOf<T>(entries: Readonly<Record<string, T>> | undefined, registry: string): T | undefined {
  return Object.entries(entries ?? {}).find(([key]) => {
    const host = key.replace(/^https?:\/\//, "").split("/")[0] ?? "";
    return canonicalRegistry(host) === registry;
  })?.[1];
}
