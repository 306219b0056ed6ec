import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";

export const envCommand = command<{ data?: string; json?: boolean }>({
  name: "env",
  summary: "print the variables that Sluice, s and the SDKs read, ready to paste",
  options: [dataOption, jsonOption],
  details: 'In a shell: eval "$(sluice env)"',
  async run(context, _positional, flags) {
    const { findPlatform } = await import("../platform.ts");
    const { shellQuote } = await import("../../client/client.ts");
    const variables = variablesOf(findPlatform(context, flags.data));
    printResult(context, flags.json, variables, () =>
      Object.entries(variables)
        .map(([name, value]) => `export ${name}=${shellQuote(value)}`)
        .join("\n"),
    );
    return undefined;
  },
});

function variablesOf(platform: {
  apiUrl: string;
  accountId: string;
  accessKeyId: string;
  accessKeySecret: string;
  grpcAddress?: string | undefined;
  caFile?: string | undefined;
}): Record<string, string> {
  const { apiUrl, accountId, accessKeyId, accessKeySecret, grpcAddress, caFile } = platform;
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
    // gRPC clients on grpc-core (Python, C++, Ruby) verify by this file.
    ...(caFile !== undefined && { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caFile }),
  };
}
