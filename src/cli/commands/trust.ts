import { UsageError } from "../cli-error.ts";
import { command } from "../command.ts";
import { note, printResult } from "../context.ts";
import { dataOption, jsonOption } from "../options.ts";

interface TrustFlags {
  data?: string;
  json?: boolean;
  remove?: boolean;
  print?: boolean;
}

export const trustCommand = command<TrustFlags>({
  name: "trust",
  summary: "have this system trust the local CA, or say how clients are told of it",
  options: [
    { flags: "--remove", description: "as root: take every CA away again that this command has installed" },
    { flags: "--print", description: "change nothing: print how single clients are told of the CA" },
    dataOption,
    jsonOption,
  ],
  details:
    "Installs, as root, the CA of Sluice's own names into the system's trust store (Debian, Fedora, Arch Linux, macOS). It\n" +
    "can vouch for these names alone. The CA of custom domains, which can vouch for any name, is never installed. With sudo,\n" +
    "name the data directory: sudo sluice trust --data ~/.sluice",
  async run(context, _positional, flags) {
    if (flags.remove && flags.print) throw new UsageError("expected --remove or --print, got both");
    const { readLocalCa, changeTrust } = await import("../trust/change-trust.ts");
    const { clientLines } = await import("../trust/client-lines.ts");

    const ca = readLocalCa(context, flags.data);
    const clients = clientLines(ca.path);
    if (flags.print) {
      const width = Math.max(...clients.map(([client]) => client.length));
      printResult(context, flags.json, { caFile: ca.path, clients: Object.fromEntries(clients) }, () =>
        clients.map(([client, line]) => `${client.padEnd(width)}  ${line}`).join("\n"),
      );
      return undefined;
    }
    const done = await changeTrust(ca, flags.remove === true, flags.data);
    for (const line of done) note(context, line);
    printResult(context, flags.json, { caFile: ca.path, done }, () => {
      if (flags.remove) return "";
      return (
        "Clients that use the system's store trust it from now on: Go, Java, curl, OpenSSL, Python's ssl. Clients with roots of\n" +
        "their own have to be told: gRPC for Python, C++ and Ruby by GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, Node.js by\n" +
        "NODE_EXTRA_CA_CERTS or --use-system-ca ('sluice trust --print' prints the lines)"
      );
    });
    return undefined;
  },
});
