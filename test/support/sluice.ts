import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import type { OrdinaryUser } from "../../src/drivers/testing/ordinary-user.ts";

const root = resolve(import.meta.dirname, "..", "..");
const LAUNCHER = join(root, "bin", "sluice.js");

/** A start that is not ready by then has failed. */
const READY_TIMEOUT_MS = 60_000;

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<CommandResult> {
  return new Promise((resolveResult, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: "pipe" });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolveResult({ code, stdout, stderr }));
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}

/** A function to deploy, as a test says it; the rest are defaults of s.yaml. */
export interface TestFunction {
  readonly service?: string;
  readonly name: string;
  /** Absent: it is an image. */
  readonly codeUri?: string;
  readonly runtime?: string;
  readonly function?: Readonly<Record<string, unknown>>;
  readonly authType?: string;
  /** Default: false. */
  readonly internetAccess?: boolean;
  readonly methods?: readonly string[];
  readonly customDomains?: readonly unknown[];
  /** An anonymous http trigger for each of these qualifiers, beside that of LATEST. */
  readonly qualifiers?: readonly string[];
}

/** One function of `sluice info --json`. */
export interface Info {
  readonly serviceName: string;
  readonly functionName: string;
  readonly qualifier: string;
  readonly host?: string;
  readonly urlInternet?: string;
  readonly callable: boolean;
  readonly reason?: string;
  readonly revisionId: string;
  readonly servingRevisionId?: string;
  readonly instances: readonly { readonly instanceId: string; readonly phase: string; readonly openCalls: number }[];
}

export interface SluiceOptions {
  /** Kept when given; else a temporary folder that `stop` removes. */
  readonly dataDir?: string;
  readonly isolation?: "process" | "sandbox" | "container" | "auto";
  /** Goes to config.yaml of the data directory. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Default: a minute. */
  readonly readyTimeoutMs?: number;
  /** Who starts it, in a data directory below that home; default: who runs the test. */
  readonly as?: OrdinaryUser;
}

/** A real Sluice in processes of its own, on free ports. */
export class Sluice {
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Everything it printed. */
  output = "";
  readonly #ownsDataDir: boolean;
  readonly #exited: Promise<number | null>;

  private constructor(dataDir: string, ownsDataDir: boolean, child: ChildProcess) {
    this.dataDir = dataDir;
    this.child = child;
    this.#ownsDataDir = ownsDataDir;
    this.#exited = new Promise((resolveExit) => child.once("exit", (code) => resolveExit(code)));
  }

  /** Starts it and waits until it says that it is ready. */
  static async start(options: SluiceOptions = {}): Promise<Sluice> {
    const { as: user } = options;
    const dataDir = options.dataDir ?? user?.newFolder() ?? mkdtempSync(join(tmpdir(), "sluice-e2e-"));
    if (options.configuration !== undefined) {
      await mkdir(dataDir, { recursive: true });
      await writeFile(join(dataDir, "config.yaml"), stringify(options.configuration));
    }
    const isolation = options.isolation ?? "process";
    const [program = "", ...words] = commandOf(
      [
        LAUNCHER,
        "start",
        "--data",
        dataDir,
        "--grpc-port",
        "0",
        "--api-port",
        "0",
        "--isolation",
        isolation,
        ...(options.args ?? []),
      ],
      user,
    );
    const child = spawn(program, words, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...(user?.environment ?? process.env), npm_command: undefined, ...options.env },
    });
    const sluice = new Sluice(dataDir, options.dataDir === undefined, child);
    await sluice.#untilReady(options.readyTimeoutMs ?? READY_TIMEOUT_MS);
    return sluice;
  }

  /** What endpoint.json says. */
  get endpoint(): {
    readonly apiUrl: string;
    readonly grpcAddress: string;
    readonly caFile: string;
    readonly pid: number;
  } {
    return JSON.parse(readFileSync(join(this.dataDir, "endpoint.json"), "utf8"));
  }

  /** Exit code, once it has ended. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  /** Runs `sluice ARGS` against it. */
  cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
    return runCommand(process.execPath, [LAUNCHER, ...args], {
      env: { ...process.env, SLUICE_DATA: this.dataDir, ...env },
    });
  }

  /** Runs a command that must work; gives its standard output. */
  async ok(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli(args);
    if (code !== 0) throw new Error(`sluice ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Deploys a function and gives how it stands. */
  async deploy(wanted: TestFunction): Promise<Info> {
    const file = await this.writeSpecification(wanted);
    await this.ok(["deploy", "-t", file, "-y", "--json"]);
    return this.info(wanted.service ?? "test", wanted.name);
  }

  /** Deploys many functions with one s.yaml; gives how each stands, by its name. */
  async deployAll(wanted: readonly TestFunction[]): Promise<ReadonlyMap<string, Info>> {
    const file = await this.writeSpecification(...wanted);
    await this.ok(["deploy", "-t", file, "-y", "--json"]);
    return new Map((await this.infos()).map((info) => [info.functionName, info]));
  }

  /** Writes the s.yaml of functions below the data directory; gives its path. */
  async writeSpecification(...wanted: readonly TestFunction[]): Promise<string> {
    const folder = join(this.dataDir, "test-specifications", wanted[0]?.name ?? "none");
    await mkdir(folder, { recursive: true });
    const file = join(folder, "s.yaml");
    const services = Object.fromEntries(
      wanted.map((one) => [one.name, { component: "fc", props: propsOf(one) }] as const),
    );
    await writeFile(file, stringify({ edition: "1.0.0", name: "test", access: "default", services }));
    return file;
  }

  async infos(): Promise<Info[]> {
    return JSON.parse(await this.ok(["info", "--json"])).functions;
  }

  async info(service: string, name: string, qualifier = "LATEST"): Promise<Info> {
    const found = (await this.infos()).find(
      (info) => info.serviceName === service && info.functionName === name && info.qualifier === qualifier,
    );
    if (found === undefined) throw new Error(`${service}/${name} is not deployed`);
    return found;
  }

  /** Lines of a function's log. */
  async logs(key: string): Promise<{ readonly source: string; readonly text: string; readonly requestId?: string }[]> {
    const text = await this.ok(["logs", key, "--json", "-n", "10000"]);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  /** Flags of the fixture clients for a function. */
  clientFlags(info: Info): string[] {
    const { grpcAddress, caFile } = this.endpoint;
    return ["-addr", grpcAddress, "-authority", info.host ?? "", "-cafile", caFile];
  }

  /** SIGTERM, and the exit code. Removes the data directory that it made. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGTERM");
    const code = await this.#exited;
    if (this.#ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true });
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #untilReady(timeoutMs: number): Promise<void> {
    return new Promise((resolveReady, reject) => {
      const timer = setTimeout(() => fail("was not ready in time"), timeoutMs);
      const fail = (why: string) => {
        clearTimeout(timer);
        this.child.kill("SIGKILL");
        reject(new Error(`Sluice ${why}:\n${this.output}`));
      };
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on("line", (line) => {
          this.output += `${line}\n`;
          if (!line.startsWith("sluice ready ")) return;
          clearTimeout(timer);
          resolveReady();
        });
      }
      this.child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    });
  }
}

/** The command line that runs Node.js, as another user where there is one. */
function commandOf(args: readonly string[], user: OrdinaryUser | undefined): readonly string[] {
  if (user === undefined) return [process.execPath, ...args];
  const [file = "", ...rest] = args;
  return user.command([user.nodePath, user.path(file), ...rest]);
}

/** The props of a function's service in s.yaml. */
function propsOf(wanted: TestFunction): Record<string, unknown> {
  const { service = "test", name } = wanted;
  return {
    region: "local",
    service: { name: service, internetAccess: wanted.internetAccess ?? false },
    function: {
      name,
      ...(wanted.codeUri !== undefined && { codeUri: wanted.codeUri }),
      runtime: wanted.runtime ?? "custom",
      caPort: 8089,
      ...wanted.function,
    },
    triggers: [
      {
        name: "http",
        type: "http",
        config: { authType: wanted.authType ?? "anonymous", methods: wanted.methods ?? ["GET", "POST"] },
      },
      ...(wanted.qualifiers ?? []).map((qualifier) => ({
        name: qualifier,
        type: "http",
        qualifier,
        config: { authType: "anonymous", methods: ["POST"] },
      })),
    ],
    ...(wanted.customDomains && { customDomains: wanted.customDomains }),
  };
}

/** Polls until `look` gives something; fails after `timeoutMs` with `what`. For what only other processes know. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const endAt = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endAt) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolveWait) => {
      setTimeout(resolveWait, 50);
    });
  }
}
