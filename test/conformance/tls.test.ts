/** TLS of the gRPC port as outside tools see it (RFC 9113 §9.2): a real `sluice start`, scanned over loopback. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { missingPart } from "../support/clients.ts";
import { runCommand, Sluice } from "../support/sluice.ts";

const sslscanMissing = missingPart(
  spawnSync("sslscan", ["--version"]).status === 0 ? undefined : "sslscan is not installed (Debian package sslscan)",
);

/** Forward secrecy and AEAD alone: what appendix A of RFC 9113 leaves of TLS 1.2, for a key on P-256. */
const TLS12_CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
];
const TLS13_CIPHERS = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** A name that the certificate for names covers. */
const NAME = "anything.local.fcapp.localhost";

describe("TLS of the gRPC port", () => {
  let sluice: Sluice;
  let port: number;
  const common = () => ({ host: "127.0.0.1", port, rejectUnauthorized: false }) as const;

  before(async () => {
    sluice = await Sluice.start();
    port = Number(sluice.endpoint.grpcAddress.split(":").at(-1));
  });
  after(() => sluice.stop());

  for (const [who, flags] of [
    ["without a server name", []],
    ["with a server name", [`--sni-name=${NAME}`]],
  ] as const) {
    test(`sslscan ${who}: TLS 1.2 and 1.3 alone, forward secrecy and AEAD alone, no compression`, {
      skip: sslscanMissing,
    }, async () => {
      const { code, stdout, stderr } = await runCommand("sslscan", ["--xml=-", ...flags, `127.0.0.1:${port}`]);
      assert.equal(code, 0, stderr);
      const enabled = elements(stdout, "protocol").filter((each) => each["enabled"] === "1");
      assert.deepEqual(
        enabled.map((each) => `${each["type"]} ${each["version"]}`),
        ["tls 1.2", "tls 1.3"],
      );
      const ciphers = (version: string) =>
        elements(stdout, "cipher")
          .filter((each) => each["sslversion"] === version)
          .map((each) => each["cipher"])
          .sort();
      assert.deepEqual(ciphers("TLSv1.2"), TLS12_CIPHERS);
      assert.deepEqual(ciphers("TLSv1.3"), TLS13_CIPHERS);
      assert.deepEqual(
        elements(stdout, "compression").filter((each) => each["supported"] !== "0"),
        [],
      );
      assert.deepEqual(
        elements(stdout, "heartbleed").filter((each) => each["vulnerable"] !== "0"),
        [],
      );
      assert.match(stdout, /<pk error="false" type="EC" curve_name="prime256v1"/);
    });
  }

  test("a client of TLS 1.2 cannot renegotiate: the attempt ends the connection", async () => {
    for (const servername of ["", NAME]) {
      const socket = connectTls({
        ...common(),
        ...(servername !== "" && { servername }),
        maxVersion: "TLSv1.2",
        ALPNProtocols: ["h2"],
      });
      await once(socket, "secureConnect");
      let renegotiated = false;
      socket.renegotiate({}, (error) => {
        renegotiated = error === null;
      });
      let refused: unknown;
      socket.on("error", (error) => {
        refused = error;
      });
      socket.resume();
      await new Promise((resolve) => {
        socket.once("close", resolve);
      });
      assert.match(String(refused), /no renegotiation/);
      assert.equal(renegotiated, false);
    }
  });

  test("ALPN: h2 is chosen; anything else is refused in the handshake; none at all is closed without a byte", async () => {
    const h2 = connectTls({ ...common(), ALPNProtocols: ["http/1.1", "h2"] });
    await once(h2, "secureConnect");
    assert.equal(h2.alpnProtocol, "h2");
    h2.destroy();
    for (const ALPNProtocols of [["http/1.1"], ["h2c", "grpc-exp"], ["h3"]]) {
      await assert.rejects(once(connectTls({ ...common(), ALPNProtocols }), "secureConnect"), /ALPN|no application/i);
    }
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      assert.deepEqual(await answerWithoutAlpn({ ...common(), maxVersion }), { bytes: 0, error: undefined });
    }
  });

  test("a verifying client accepts the certificate for an address and for a name", async () => {
    const ca = readFileSync(sluice.endpoint.caFile);
    for (const name of [{}, { servername: NAME }, { servername: "localhost" }]) {
      const socket = connectTls({ host: "127.0.0.1", port, ca, ALPNProtocols: ["h2"], ...name });
      await once(socket, "secureConnect");
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
  });

  for (const [what, bytes] of [
    ["an HTTP/2 preface in plaintext", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["HTTP/1.1 in plaintext", "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"],
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["an SSL 2 hello", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"],
    ["a TLS alert", "\x15\x03\x01\x00\x02\x02\x28"],
  ] as const) {
    test(`${what} is closed in silence`, async () => {
      const socket = connect(port, "127.0.0.1");
      let received = 0;
      socket.on("data", (chunk) => {
        received += chunk.length;
      });
      socket.write(Buffer.from(bytes, "latin1"));
      await once(socket, "end");
      assert.equal(received, 0);
      socket.destroy();
    });
  }
});

/** What a client gets that names no protocol: how many bytes after the handshake, and which error. */
async function answerWithoutAlpn(options: ConnectionOptions): Promise<{ bytes: number; error: unknown }> {
  const socket = connectTls(options);
  let bytes = 0;
  let error: unknown;
  socket.on("data", (chunk) => {
    bytes += chunk.length;
  });
  socket.on("error", (given) => {
    error = given;
  });
  await once(socket, "close");
  return { bytes, error };
}

/** Attributes of all elements of a name in sslscan's XML, which is flat and quotes plainly. */
function elements(xml: string, name: string): Record<string, string>[] {
  return [...xml.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, "g"))].map(([, attributes]) =>
    Object.fromEntries([...(attributes ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  );
}
