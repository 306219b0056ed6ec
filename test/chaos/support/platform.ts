import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { systemClock } from "../../../src/base/base.ts";
import { listCodeFiles } from "../../../src/cli/deploy/code-files.ts";
import { zipFiles } from "../../../src/cli/deploy/zip-folder.ts";
import { Client } from "../../../src/client/client.ts";
import { Sluice } from "../../support/sluice.ts";
import { codeOf, FLEET, type Hosts, type Role, type RoleName } from "./fleet.ts";
import { NETWORK_RANGE } from "./leftovers.ts";

export const SERVICE = "chaos";

/** Short enough that the fleet meets every limit of time within a minute. */
const CONFIGURATION = {
  startLimitMs: 5000,
  idleFreezeMs: 300,
  idleStopMs: 1500,
  stopGraceMs: 2000,
  queueWaitAtLimitMs: 5000,
  networkRanges: [NETWORK_RANGE],
};

/** In the environment of every instance, with the data directory as its value: inside a sandbox nothing else names it. */
const MARK = "CHAOS_RUN";

/** A Sluice with the fleet deployed. */
export class Platform {
  readonly sluice: Sluice;
  readonly client: Client;
  readonly #hosts: Hosts;

  /** `temporaryDir`: where its processes put temporary files; it is made. */
  static async start(isolation: "sandbox" | "process", temporaryDir: string): Promise<Platform> {
    mkdirSync(temporaryDir, { recursive: true, mode: 0o1777 });
    const env = { TMPDIR: temporaryDir };
    const sluice = await Sluice.start({ isolation, configuration: CONFIGURATION, env });
    try {
      const credentials = JSON.parse(readFileSync(join(sluice.dataDir, "credentials.json"), "utf8"));
      const client = new Client({ apiUrl: sluice.endpoint.apiUrl, ...credentials }, systemClock);
      await client.services().create({ serviceName: SERVICE, internetAccess: false });
      for (const role of FLEET) await deploy(client, role, environmentOf(role, sluice));
      const infos = await client.functionInfos();
      const hosts = Object.fromEntries(infos.map(({ functionName, host }) => [functionName, host ?? ""]));
      return new Platform(sluice, client, hosts as Hosts);
    } catch (error) {
      await sluice.stop();
      throw error;
    }
  }

  private constructor(sluice: Sluice, client: Client, hosts: Hosts) {
    this.sluice = sluice;
    this.client = client;
    this.#hosts = hosts;
  }

  host(role: RoleName): string {
    return this.#hosts[role];
  }

  /** What the environment of every instance holds, and of no other process. */
  get mark(): string {
    return `${MARK}=${this.sluice.dataDir}`;
  }

  environmentOf(role: Role): Readonly<Record<string, string>> {
    return environmentOf(role, this.sluice);
  }

  /** The process that calls run in. */
  get pid(): number {
    return this.sluice.endpoint.pid;
  }
}

function environmentOf(role: Role, { dataDir }: Sluice): Readonly<Record<string, string>> {
  return { ...role.environment, [MARK]: dataDir };
}

async function deploy(client: Client, role: Role, environment: Readonly<Record<string, string>>): Promise<void> {
  const files = listCodeFiles(await codeOf(role));
  const { name, instanceConcurrency, timeout, memorySize } = role;
  await client.functions(SERVICE).create({
    functionName: name,
    runtime: "custom",
    handler: "index.handler",
    code: { zipFile: (await buffer(zipFiles(files))).toString("base64") },
    memorySize,
    timeout,
    caPort: 8089,
    instanceConcurrency,
    environmentVariables: environment,
    customRuntimeConfig: { command: [`./${role.program}`] },
  });
  const triggerConfig = JSON.stringify({ authType: "anonymous", methods: ["POST"] });
  await client.triggers(SERVICE, name).create({ triggerName: "http", triggerType: "http", triggerConfig });
}
