/** The same gateway with node:http2, as plainly as it can be written: what Sluice's own layer is compared with. */
import { readFileSync } from "node:fs";
import { connect, createSecureServer } from "node:http2";

const [port, functionPort, certificateFile, keyFile] = process.argv.slice(2) as [string, string, string, string];
const upstream = connect(`http://127.0.0.1:${functionPort}`, { peerMaxConcurrentStreams: 1000 });
const server = createSecureServer({
  cert: readFileSync(certificateFile),
  key: readFileSync(keyFile),
  settings: { maxConcurrentStreams: 1000 },
});
server.on("stream", (stream, headers) => {
  const request = upstream.request({ ...headers, ":scheme": "http" });
  let trailers: Record<string, string | string[] | undefined> = {};
  request.on("response", (head) => {
    if (!stream.destroyed) stream.respond(head, { waitForTrailers: true });
  });
  request.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.pipe(request);
  request.pipe(stream);
  stream.on("error", () => request.close());
  request.on("error", () => stream.close());
});
server.listen(Number(port), "127.0.0.1");
