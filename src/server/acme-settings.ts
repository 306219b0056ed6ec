import { readFileSync } from "node:fs";
import type { ControlPlaneOptions } from "../control/control.ts";
import type { Configuration } from "./configuration.ts";
import { StartupError } from "./startup-error.ts";

/** What the configuration says of ACME; undefined: it is not used. Throws a StartupError where something is missing. */
export function acmeSettings(configuration: Configuration): ControlPlaneOptions["acme"] {
  const { acmeDirectoryUrl: directoryUrl, acmeTermsAgreed, acmeContactEmail: contactEmail } = configuration;
  if (directoryUrl === "") return undefined;
  if (!acmeTermsAgreed) {
    throw new StartupError(
      `acmeDirectoryUrl is set: read the terms of service of that server, and say acmeTermsAgreed: true in the configuration`,
    );
  }
  const { acmeChallenge: challenge, acmeHttpHosts: httpHosts, acmeHttpPort: httpPort } = configuration;
  return { directoryUrl, contactEmail, challenge, httpHosts, httpPort, caPem: caPem(configuration.acmeCaFile) };
}

function caPem(file: string): string {
  if (file === "") return "";
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StartupError(`acmeCaFile: ${file} cannot be read: ${(error as Error).message}`);
  }
}
