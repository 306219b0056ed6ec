import { readFileSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import type { Info, Sluice } from "../../test/support/sluice.ts";

/** Message of a unary call with a payload of 16 bytes. */
const REQUEST = Buffer.concat([Buffer.from([0, 0, 0, 0, 18, 0x0a, 16]), Buffer.alloc(16, 0x61)]);

/** A verified client connection to a function's host, on Node's own HTTP/2, with its handshake done. */
export async function openSession(sluice: Sluice, info: Info): Promise<ClientHttp2Session> {
  const { grpcAddress, caFile } = sluice.endpoint;
  const [host, port] = hostAndPort(grpcAddress);
  const ca = readFileSync(caFile);
  const session = connect(`https://${info.host}`, {
    createConnection: () => connectTls({ host, port, servername: info.host ?? "", ca, ALPNProtocols: ["h2"] }),
  });
  await new Promise((resolve, reject) => {
    session.once("remoteSettings", resolve);
    session.once("error", reject);
  });
  session.on("error", () => {});
  return session;
}

/** Sends a unary call. */
export function sendCall(session: ClientHttp2Session, authority: string, method = "Unary"): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `/test.Echo/${method}`,
    ":authority": authority,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end(REQUEST);
  return stream;
}

/** Milliseconds from sending a unary call to its end, which must be OK. */
export function timedCall(session: ClientHttp2Session, authority: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    const stream = sendCall(session, authority);
    let status = "none";
    stream.on("response", (headers) => {
      status = String(headers["grpc-status"] ?? status);
    });
    stream.on("trailers", (trailers) => {
      status = String(trailers["grpc-status"]);
    });
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0") resolve(performance.now() - sentAt);
      else reject(new Error(`The call ended with grpc-status ${status}`));
    });
    stream.resume();
  });
}

function hostAndPort(address: string): [string, number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon).replace(/^\[|\]$/g, ""), Number(address.slice(colon + 1))];
}
