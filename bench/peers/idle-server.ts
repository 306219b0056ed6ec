/** What an idle connection costs without Sluice: a bare node:tls server, or a node:http2 server that does nothing. */
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { createServer } from "node:tls";

const [kind, port, certificateFile, keyFile] = process.argv.slice(2) as [string, string, string, string];
const pair = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
if (kind === "tls") {
  const server = createServer({ ...pair, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("data", () => {});
    socket.on("error", () => {});
  });
  server.listen({ port: Number(port), host: "127.0.0.1", backlog: 511 });
} else {
  const server = createSecureServer(pair);
  server.on("stream", (stream) => stream.respond({ ":status": 200 }, { endStream: true }));
  server.on("sessionError", () => {});
  server.listen({ port: Number(port), host: "127.0.0.1", backlog: 511 });
}
