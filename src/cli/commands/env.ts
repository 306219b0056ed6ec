import { CliError } from "../cli-error.ts";
import { command } from "../command.ts";
import { note, printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";
import type { Platform } from "../platform.ts";

interface EnvFlags {
  data?: string;
  json?: boolean;
  /** True where no host was named. */
  remote?: string | true;
}

type Quote = (text: string) => string;

export const envCommand = command<EnvFlags>({
  name: "env",
  summary: "print the variables that Sluice, s and the SDKs read, ready to paste",
  options: [
    {
      flags: "--remote [host]",
      description: "for another machine, which knows this one as HOST (default: the address of --api-host)",
    },
    dataOption,
    jsonOption,
  ],
  details:
    'In a shell: eval "$(sluice env)"; on another machine: eval "$(ssh HOST sluice env --remote)", which also\n' +
    "writes the CA's certificate into a file in ~/.sluice there.",
  async run(context, _positional, flags) {
    const { findPlatform } = await import("../platform.ts");
    const { shellQuote } = await import("../../client/client.ts");
    const platform = findPlatform(context, flags.data);
    if (flags.remote === undefined) {
      const variables = variablesOf(platform, platform.caFile);
      printResult(context, flags.json, variables, () => exportLines(variables, shellQuote).join("\n"));
      return undefined;
    }
    const { platform: seen, caPem } = await seenFromElsewhere(platform, flags.remote);
    if (seen.grpcAddress === undefined) {
      note(context, "The gRPC port listens on loopback alone: start Sluice with --host too for calls from there");
    }
    if (flags.json) {
      printResult(context, true, { ...variablesOf(seen, undefined), caPem }, () => "");
      return undefined;
    }
    const file = caPem === undefined ? undefined : await caFileFor(caPem);
    const lines = exportLines(variablesOf(seen, file), shellQuote, file);
    if (caPem !== undefined) {
      lines.unshift('mkdir -p "$HOME/.sluice"', `printf '%s\\n' ${shellQuote(caPem)} > "${file}"`);
    }
    printResult(context, false, {}, () => lines.join("\n"));
    return undefined;
  },
});

/** The platform as another machine reaches it, and the certificate of its CA, where it is not one of the system's. */
async function seenFromElsewhere(
  platform: Platform,
  host: string | true,
): Promise<{ platform: Platform; caPem: string | undefined }> {
  const { readFileSync } = await import("node:fs");
  const { remote } = platform;
  if (remote === undefined) {
    throw new CliError(
      "the API listens on loopback alone, where no other machine reaches it: start Sluice with --api-host ADDRESS",
    );
  }
  const at = (text: string) => {
    const url = new URL(text.includes("//") ? text : `https://${text}`);
    if (host !== true) url.hostname = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    return url;
  };
  return {
    platform: {
      ...platform,
      apiUrl: at(remote.apiUrl).origin,
      grpcAddress: remote.grpcAddress === undefined ? undefined : at(remote.grpcAddress).host,
    },
    caPem: remote.caFile === undefined ? undefined : readFileSync(remote.caFile, "utf8").trim(),
  };
}

/** Another name for another CA, so that several platforms can be had at a time. */
async function caFileFor(caPem: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return `$HOME/.sluice/ca-${createHash("sha256").update(caPem).digest("hex").slice(0, 8)}.pem`;
}

/** A line for each variable; `homeFile` begins with $HOME, which the shell that reads this is to fill in. */
function exportLines(variables: Readonly<Record<string, string>>, quote: Quote, homeFile?: string): string[] {
  const word = (value: string) => (value === homeFile ? `"${value}"` : quote(value));
  return Object.entries(variables).map(([name, value]) => `export ${name}=${word(value)}`);
}

function variablesOf(
  platform: {
    apiUrl: string;
    accountId: string;
    accessKeyId: string;
    accessKeySecret: string;
    grpcAddress?: string | undefined;
  },
  caFile: string | undefined,
): Record<string, string> {
  const { apiUrl, accountId, accessKeyId, accessKeySecret, grpcAddress } = platform;
  return {
    SLUICE_ENDPOINT: apiUrl,
    ...(grpcAddress !== undefined && { SLUICE_GRPC_ADDRESS: grpcAddress }),
    ...(caFile !== undefined && { SLUICE_CA_FILE: caFile }),
    SLUICE_ACCOUNT_ID: accountId,
    SLUICE_ACCESS_KEY_ID: accessKeyId,
    SLUICE_ACCESS_KEY_SECRET: accessKeySecret,
    // Alibaba Cloud's SDKs, default credential chain.
    ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
    // Serverless Devs with its component fc: credentials and endpoint.
    AccountID: accountId,
    AccessKeyID: accessKeyId,
    AccessKeySecret: accessKeySecret,
    s_default_fc_endpoint: apiUrl,
    s_default_enable_fc_endpoint: "true",
    // Tools in Node.js (s, SDKs) ask an API with TLS by this file.
    ...(caFile !== undefined && apiUrl.startsWith("https:") && { NODE_EXTRA_CA_CERTS: caFile }),
    // gRPC clients on grpc-core (Python, C++, Ruby) verify by this file.
    ...(caFile !== undefined && { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caFile }),
  };
}
