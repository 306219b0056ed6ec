import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import type { Credentials } from "../control/control.ts";
import { readIfThere, writeFileDurably } from "./data-directory.ts";
import { StartupError } from "./startup-error.ts";

/** The account and its key, made at the first start and kept in `credentials.json`, for its owner alone. */
export function loadOrCreateCredentials(directory: string): Credentials {
  const file = join(directory, "credentials.json");
  const text = readIfThere(file);
  if (text !== undefined) return parse(text, file);
  const credentials: Credentials = {
    accountId: String(randomInt(1, 10)) + Array.from({ length: 15 }, () => randomInt(10)).join(""),
    accessKeyId: `SLUICE${randomBytes(9).toString("hex")}`,
    accessKeySecret: randomBytes(24).toString("base64url"),
  };
  writeFileDurably(file, `${JSON.stringify(credentials, undefined, 2)}\n`, 0o600);
  return credentials;
}

function parse(text: string, file: string): Credentials {
  try {
    const { accountId, accessKeyId, accessKeySecret } = JSON.parse(text) as Partial<Credentials>;
    if (accountId && accessKeyId && accessKeySecret) return { accountId, accessKeyId, accessKeySecret };
  } catch {
    // Said below, in the words of what is expected.
  }
  throw new StartupError(
    `${file} is damaged: it must hold {"accountId","accessKeyId","accessKeySecret"}. Restore it, or remove it to have new credentials made`,
  );
}
