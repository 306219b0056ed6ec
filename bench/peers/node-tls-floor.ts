/**
 * No gateway: a TLS server that answers every request itself, from prepared bytes, with the fewest lines. What it costs
 * is what Node's TLS sockets and event loop cost before a gateway in Node has done anything, and without the connection
 * to a function. Arguments: port, certificate file, key file.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";

const [port, certificateFile, keyFile] = process.argv.slice(2) as [string, string, string];
const FRAME_HEADER_BYTES = 9;
const [DATA, HEADERS, SETTINGS] = [0, 1, 4];
const [END_STREAM, END_HEADERS, ACK] = [1, 4, 1];

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

/** RFC 7541 §6.2.2: a literal without indexing. */
const literal = (name: string, value: string) =>
  Buffer.from(`\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`, "latin1");
const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 18, 0x0a, 16]), Buffer.alloc(16, 0x61)]);
const head = Buffer.concat([Buffer.from([0x88]), literal("content-type", "application/grpc")]);
const parts = [
  frame(HEADERS, END_HEADERS, head),
  frame(DATA, 0, message),
  frame(HEADERS, END_HEADERS | END_STREAM, literal("grpc-status", "0")),
];
const answer = Buffer.concat(parts);
/** Where the stream ids of the three frames stand. */
const idsAt = [0, 1, 2].map((n) => parts.slice(0, n).reduce((sum, part) => sum + part.length, 5));
/** Windows as large as can be, so that none has to be counted. */
const settings = frame(SETTINGS, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0, 3, 0xe8]));
const window = frame(8, 0, Buffer.from([0x7f, 0, 0, 0]));
const settingsAck = frame(SETTINGS, ACK, Buffer.alloc(0));

const server = createServer(
  { cert: readFileSync(certificateFile), key: readFileSync(keyFile), ALPNProtocols: ["h2"], noDelay: true },
  (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    let prefaceLeft = 24;
    socket.write(Buffer.concat([settings, window, settingsAck]));
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = Math.min(prefaceLeft, bytes.length);
      prefaceLeft -= at;
      const answers: Buffer[] = [];
      while (at + FRAME_HEADER_BYTES <= bytes.length) {
        const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
        if (end > bytes.length) break;
        if (bytes[at + 3] === DATA && ((bytes[at + 4] ?? 0) & END_STREAM) !== 0) {
          const own = Buffer.from(answer);
          for (const idAt of idsAt) bytes.copy(own, idAt, at + 5, at + 9);
          answers.push(own);
        }
        at = end;
      }
      rest = bytes.subarray(at);
      if (answers.length > 0) socket.write(answers.length === 1 ? (answers[0] as Buffer) : Buffer.concat(answers));
    });
  },
);
server.listen(Number(port), "127.0.0.1");
