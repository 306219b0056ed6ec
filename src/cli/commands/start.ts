import { totalmem } from "node:os";
import { resolve } from "node:path";
import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { dataDirectory } from "../data-directory.ts";
import { dataOption, durationOption, integerOption, memoryOption, repeatedOption } from "../options.ts";

const ISOLATIONS = ["auto", "sandbox", "container", "process"] as const;
const EGRESS_KINDS = ["auto", "user", "nat", "none"] as const;
type Isolation = (typeof ISOLATIONS)[number];

interface StartFlags {
  data?: string;
  config?: string;
  host?: string[];
  grpcPort?: number;
  apiPort?: number;
  apiHost?: string[];
  apiCert?: string;
  apiKey?: string;
  region?: string;
  domain?: string;
  isolation?: Isolation;
  egress?: (typeof EGRESS_KINDS)[number];
  drainTimeout?: number;
  maxMemory?: number;
  demo?: boolean;
}

/** One of a few words. */
function choiceOption<const Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((word) => word === text);
    if (choice === undefined) throw new UsageError(`expected one of ${choices.join(", ")}, got "${text}"`);
    return choice;
  };
}

export const startCommand = command<StartFlags>({
  name: "start",
  summary: "start the platform and stay up",
  options: [
    dataOption,
    { flags: "--config <file>", description: "configuration (default: config.yaml in the data directory)" },
    {
      flags: "--host <address>",
      description: "address of the gRPC port, several times for several (default: 127.0.0.1 and ::1)",
      parse: repeatedOption,
    },
    {
      flags: "--grpc-port <port>",
      description: "TLS gRPC endpoint, 0 for any free port (default: 8089)",
      parse: integerOption(0, 65_535),
    },
    {
      flags: "--api-port <port>",
      description: "control API, 0 for any free port (default: 8085)",
      parse: integerOption(0, 65_535),
    },
    {
      flags: "--api-host <address>",
      description: "address of the control API for other machines, over TLS; 0.0.0.0: all (default: loopback alone)",
      parse: repeatedOption,
    },
    {
      flags: "--api-cert <file>",
      description: "certificate of --api-host as PEM, with its chain (default: one of the local CA)",
    },
    { flags: "--api-key <file>", description: "key of --api-cert as PEM" },
    { flags: "--region <label>", description: "region label in host names (default: local)" },
    { flags: "--domain <name>", description: "base of generated host names (default: fcapp.localhost)" },
    {
      flags: "--isolation <kind>",
      description: `how functions are kept apart: ${ISOLATIONS.join(", ")} (default: auto)`,
      parse: choiceOption(ISOLATIONS),
    },
    {
      flags: "--egress <kind>",
      description: `how functions with internetAccess reach the network: ${EGRESS_KINDS.join(", ")} (default: auto)`,
      parse: choiceOption(EGRESS_KINDS),
    },
    {
      flags: "--drain-timeout <duration>",
      description: "how long stopping waits for open calls (default: 30s)",
      parse: durationOption,
    },
    {
      flags: "--max-memory <size>",
      description: "memorySize of all instances together, as 75% or 4GB (default: 75% of this machine's memory)",
      parse: memoryOption(Math.floor(totalmem() / 1024 ** 2)),
    },
    { flags: "--demo", description: "deploy the example greeter if it is not there, and call it once" },
  ],
  async run(context, _positional, flags) {
    const { startServer } = await import("../../server/server.ts");
    await startServer({
      dataDir: dataDirectory(context, flags.data),
      demo: flags.demo === true,
      ...(flags.config !== undefined && { configFile: resolve(context.cwd, flags.config) }),
      ...(flags.host !== undefined && { hosts: flags.host }),
      ...(flags.grpcPort !== undefined && { grpcPort: flags.grpcPort }),
      ...(flags.apiPort !== undefined && { apiPort: flags.apiPort }),
      ...(flags.apiHost !== undefined && { apiHosts: flags.apiHost }),
      ...(flags.apiCert !== undefined && { apiCertificateFile: resolve(context.cwd, flags.apiCert) }),
      ...(flags.apiKey !== undefined && { apiKeyFile: resolve(context.cwd, flags.apiKey) }),
      ...(flags.region !== undefined && { region: flags.region }),
      ...(flags.domain !== undefined && { domain: flags.domain }),
      ...(flags.isolation !== undefined && { isolation: flags.isolation }),
      ...(flags.egress !== undefined && { egress: flags.egress }),
      ...(flags.drainTimeout !== undefined && { drainTimeoutMs: flags.drainTimeout }),
      ...(flags.maxMemory !== undefined && { instanceMemoryMaxMb: flags.maxMemory }),
    });
    return undefined;
  },
});
