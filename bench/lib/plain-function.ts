import { spawn } from "node:child_process";
import { fixtures, type GoFixtures } from "../../test/fixtures/build.ts";
import { folderOf } from "../../test/support/clients.ts";
import type { Info, Sluice } from "../../test/support/sluice.ts";
import { freePort, stop, untilListening } from "./peers.ts";

/** The function of the benchmarks as a server of its own, for peers and for direct connections. */
export interface DirectFunction extends AsyncDisposable {
  readonly port: number;
}

export async function startDirect(): Promise<DirectFunction> {
  const go = await programs();
  const port = await freePort();
  const child = spawn(go.plain, [], { env: { ...process.env, FC_SERVER_PORT: String(port) }, stdio: "ignore" });
  await untilListening(port, child, "the function");
  return { port, [Symbol.asyncDispose]: () => stop(child) };
}

/** The same function, deployed; its name is `plain`. */
export async function deployPlain(sluice: Sluice, more: Readonly<Record<string, unknown>> = {}): Promise<Info> {
  const go = await programs();
  return sluice.deploy({
    name: "plain",
    codeUri: folderOf(go.plain),
    function: { instanceConcurrency: 200, customRuntimeConfig: { command: ["./plain"] }, ...more },
  });
}

/** The Go programs, built once. */
export async function programs(): Promise<GoFixtures> {
  return (await fixtures()).go;
}

/** Whether a process is the function: what it costs is no cost of a gateway. */
export function isFunction(commandLine: string): boolean {
  return /(^|\/)plain( |$)/.test(commandLine);
}

export function portOf(sluice: Sluice): number {
  return Number(sluice.endpoint.grpcAddress.split(":").pop());
}

/** A gRPC message on the wire (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export function messageOf(bytes: number): Buffer {
  const message = Buffer.alloc(5 + bytes, 0x61);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(bytes, 1);
  return message;
}
