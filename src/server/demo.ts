import { join } from "node:path";
import { systemClock } from "../base/base.ts";
import { type Context, processContext, runCli } from "../cli/cli.ts";
import { ApiError, Client } from "../client/client.ts";
import type { Credentials } from "../control/control.ts";
import { functionKey } from "../model/model.ts";
import type { Endpoint } from "./data-directory.ts";
import { StartupError } from "./startup-error.ts";

const SERVICE = "greeter";
const FUNCTION = "node-greeter";

/** The example greeter that `--demo` deploys. */
export const DEMO_FUNCTION = functionKey(SERVICE, FUNCTION);

/** The example lies beside bin/ and src/ (or dist/). */
const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "node-greeter", "s.yaml");

/**
 * Deploys the example greeter if it is not there, and calls it once over TLS with the certificate verified: with the
 * very commands that a user would type. Does nothing where the key of credentials.json is disabled. Throws a StartupError when one fails.
 */
export async function runDemo(endpoint: Endpoint, credentials: Credentials): Promise<void> {
  const context: Context = {
    ...processContext(),
    env: {
      ...process.env,
      SLUICE_ENDPOINT: endpoint.apiUrl,
      SLUICE_ACCOUNT_ID: credentials.accountId,
      SLUICE_ACCESS_KEY_ID: credentials.accessKeyId,
      SLUICE_ACCESS_KEY_SECRET: credentials.accessKeySecret,
      SLUICE_CA_FILE: endpoint.caFile,
    },
  };
  const { apiUrl } = endpoint;
  const client = new Client({ apiUrl, ...credentials }, systemClock);
  const infos = await client.functionInfosOf(SERVICE, FUNCTION).catch((error: unknown) => {
    // Disabled, as a key that has leaked should be: that must not keep Sluice from starting.
    if (error instanceof ApiError && error.code === "InvalidAccessKeyID") return undefined;
    throw error;
  });
  if (infos === undefined) {
    context.stderr.write("The access key of credentials.json is disabled: the demo is left as it is\n");
    return;
  }
  const steps = [
    infos.length > 0 ? ["info", `${SERVICE}/${FUNCTION}`] : ["deploy", "-t", EXAMPLE, "-y"],
    ["invoke", `${SERVICE}/${FUNCTION}`, "helloworld.Greeter/SayHello", "-d", '{"name":"world"}'],
  ];
  for (const step of steps) {
    const exitCode = await runCli(step, context);
    if (exitCode !== 0) throw new StartupError(`The demo failed at 'sluice ${step[0]}': see the line above`);
  }
}
