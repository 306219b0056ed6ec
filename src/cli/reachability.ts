import { callCommands, type FunctionInfo, functionKey, portOfUrl, resolvesToThisMachine } from "../client/client.ts";
import { grpcAddressFor, type Platform } from "./platform.ts";

/** Lines with the function's URL and the commands that call it from this machine; `exampleDir` is relative to here. */
export async function describeCalls(info: FunctionInfo, platform: Platform, exampleDir?: string): Promise<string[]> {
  const name = functionKey(info.serviceName, info.functionName, info.qualifier);
  const { host, urlInternet } = info;
  if (!host || !urlInternet) return [`${name}: ${info.reason ?? "no http trigger, so that nothing can call it"}`];
  const resolves = platform.isLocal && (await resolvesToThisMachine(host));
  const commands = callCommands({
    host,
    port: portOfUrl(urlInternet),
    grpcAddress: grpcAddressFor(platform, urlInternet),
    caFile: platform.caFile,
    resolves,
    function: name,
    sluiceCommand: platform.sluiceCommand,
    mustSign: info.authType === "function",
    exampleDir,
  });
  const lines = [`${name}: ${urlInternet}`, ...commands.map(({ command }) => `  ${command}`)];
  if (!resolves) {
    lines.push(
      `  (${host} does not lead to this machine: '${platform.sluiceCommand} hosts' prints the lines for its hosts file)`,
    );
  }
  if (info.authType === "function")
    lines.push("  (calls must be signed, as 'sluice invoke' does: docs/manual.md, Signed calls)");
  if (!info.callable && info.reason !== undefined) lines.push(`  not callable now: ${info.reason}`);
  return lines;
}
