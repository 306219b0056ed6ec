/** Command lines that call a function from this machine, as they can be pasted into a shell. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface CallTarget {
  /** Host name of the function's trigger. */
  readonly host: string;
  /** Port of the gRPC endpoint. */
  readonly port: number;
  /** `HOST:PORT` that leads to the gRPC endpoint whatever the name resolves to. */
  readonly grpcAddress: string;
  /** PEM file of the CA; absent: the certificate is one that every machine trusts. */
  readonly caFile?: string | undefined;
  /** Whether the host name leads to the endpoint on this machine. */
  readonly resolves: boolean;
  /** `SERVICE/FUNCTION`. */
  readonly function: string;
  /** How the `sluice` command is called here, for instance `sluice` or `node bin/sluice.js`. */
  readonly sluiceCommand: string;
  /** Whether calls have to be signed (authType `function`). */
  readonly mustSign: boolean;
  /** Folder of the function's s.yaml; where it holds a client of the greeter, that one is shown. */
  readonly exampleDir?: string | undefined;
}

/** One way to call, and what calls. */
export interface CallCommand {
  readonly tool: "go" | "node" | "python" | "sluice" | "grpcurl";
  readonly command: string;
}

/** The greeter's clients that the examples hold, by the file that tells of them. */
const CLIENTS = [
  { tool: "go", file: join("greeter_client", "main.go"), run: "go run ./greeter_client" },
  { tool: "node", file: "client.js", run: "node client.js" },
  { tool: "python", file: "client.py", run: "python3 client.py" },
] as const;

const GREETING_METHOD = "helloworld.Greeter/SayHello";
const GREETING = '{"name":"world"}';
/** Port that the example clients and Function Compute's take where none is given. */
const DEFAULT_PORT = 8089;

/**
 * The commands that call a function on this machine: its own example client where there is one, `sluice invoke` and
 * grpcurl, which cannot sign. Of a function that is no example the methods are not known: its own methods are listed instead.
 */
export function callCommands(target: CallTarget): CallCommand[] {
  const client = target.exampleDir === undefined ? undefined : exampleClient(target.exampleDir, target.mustSign);
  const grpcurl = grpcurlCommand(target);
  const invoke = `${target.sluiceCommand} invoke ${target.function}`;
  const { mustSign } = target;
  if (client === undefined) {
    return withoutUnsigned(mustSign, [
      { tool: "sluice", command: `${invoke} METHOD -d '{}'` },
      { tool: "grpcurl", command: `${grpcurl.start} ${grpcurl.address} list` },
    ]);
  }
  const folder = shellQuote(target.exampleDir ?? ".");
  const enter = folder === "." ? "" : `cd ${folder} && `;
  const call = `${enter}${client.run} ${clientFlags(target)}`;
  // In a shell of its own: the key is for this command alone.
  const signed = `(eval "$(${target.sluiceCommand} env)"; ${call} -sign)`;
  return withoutUnsigned(mustSign, [
    { tool: client.tool, command: mustSign ? signed : call },
    { tool: "sluice", command: `${invoke} ${GREETING_METHOD} -d '${GREETING}'` },
    { tool: "grpcurl", command: `${grpcurl.start} -d '${GREETING}' ${grpcurl.address} ${GREETING_METHOD}` },
  ]);
}

function withoutUnsigned(mustSign: boolean, commands: CallCommand[]): CallCommand[] {
  return mustSign ? commands.filter(({ tool }) => tool !== "grpcurl") : commands;
}

/** `text` as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function clientFlags({ host, port, grpcAddress, caFile, resolves }: CallTarget): string {
  const flags = resolves
    ? ["-addr", port === DEFAULT_PORT ? host : `${host}:${port}`]
    : ["-addr", grpcAddress, "-authority", host];
  if (caFile !== undefined) flags.push("-cafile", shellQuote(caFile));
  return flags.join(" ");
}

function grpcurlCommand({ host, port, grpcAddress, caFile, resolves }: CallTarget): { start: string; address: string } {
  const start = ["grpcurl"];
  if (caFile !== undefined) start.push("-cacert", shellQuote(caFile));
  if (!resolves) start.push("-authority", host);
  return { start: start.join(" "), address: resolves ? `${host}:${port}` : grpcAddress };
}

/** The greeter's client in a folder; only one that takes our flags, since the commands above use them. */
function exampleClient(folder: string, mustSign: boolean): (typeof CLIENTS)[number] | undefined {
  return CLIENTS.find(({ file }) => {
    const path = join(folder, file);
    if (!existsSync(path)) return false;
    const text = readFileSync(path, "utf8");
    return text.includes("cafile") && (!mustSign || /\bsign\b/.test(text));
  });
}
