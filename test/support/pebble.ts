import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { makeCertificate } from "../../src/control/testing/certificates.ts";
import { pebblePrograms } from "../fixtures/build-pebble.ts";
import { eventually } from "./sluice.ts";

/** A real ACME server on loopback, with a DNS server by which every name leads to 127.0.0.1. */
export class Pebble {
  readonly directoryUrl: string;
  /** PEM file of the CA of its own certificate. */
  readonly caFile: string;
  /** Where it asks for challenges of type http-01, in place of 80. */
  readonly httpPort: number;
  /** Where it asks for those of type tls-alpn-01, in place of 443. */
  readonly tlsPort: number;
  readonly #managementUrl: string;
  readonly #caPem: string;
  readonly #dnsUrl: string;
  readonly #children: readonly ChildProcess[];
  readonly #folder: string;

  /** `certificateLifeMs`: of what it issues. */
  static async start({ certificateLifeMs = 90 * 24 * 3_600_000 } = {}): Promise<Pebble> {
    const { pebble, challtestsrv } = await pebblePrograms();
    const folder = mkdtempSync(join(tmpdir(), "sluice-pebble-"));
    const own = await makeCertificate(["localhost"]);
    const [port = 0, managementPort = 0, httpPort = 0, tlsPort = 0, dnsPort = 0, dnsManagementPort = 0] =
      await freePorts(6);
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content, { mode: 0o600 });
      return join(folder, name);
    };
    const configuration = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${managementPort}`,
        certificate: file("own.pem", own.certificate),
        privateKey: file("own.key", own.privateKey),
        httpPort,
        tlsPort,
        ocspResponderURL: "",
        externalAccountBindingRequired: false,
        retryAfter: { authz: 1, order: 1 },
        profiles: { default: { description: "of this test", validityPeriod: Math.round(certificateLifeMs / 1000) } },
      },
    };
    const dns = [
      ...["-dnsserver", `127.0.0.1:${dnsPort}`, "-management", `127.0.0.1:${dnsManagementPort}`],
      ...["-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""],
    ];
    const config = file("pebble.json", JSON.stringify(configuration));
    const children = [
      spawn(challtestsrv, dns, { stdio: "ignore" }),
      spawn(pebble, ["-config", config, "-dnsserver", `127.0.0.1:${dnsPort}`], {
        stdio: "ignore",
        // No pauses of up to 15 s before challenges, and no nonces refused by chance.
        env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "0" },
      }),
    ];
    const started = new Pebble(folder, children, own.certificate, {
      port,
      managementPort,
      httpPort,
      tlsPort,
      dnsManagementPort,
    });
    await eventually("Pebble answers", async () => {
      const answers = [fetch(started.#dnsUrl), get(started.directoryUrl, own.certificate)];
      return (await Promise.allSettled(answers)).every(({ status }) => status === "fulfilled");
    });
    return started;
  }

  private constructor(
    folder: string,
    children: readonly ChildProcess[],
    caPem: string,
    ports: Readonly<Record<"port" | "managementPort" | "httpPort" | "tlsPort" | "dnsManagementPort", number>>,
  ) {
    this.#folder = folder;
    this.#children = children;
    this.#caPem = caPem;
    this.caFile = join(folder, "own.pem");
    this.directoryUrl = `https://localhost:${ports.port}/dir`;
    this.#managementUrl = `https://localhost:${ports.managementPort}`;
    this.#dnsUrl = `http://127.0.0.1:${ports.dnsManagementPort}`;
    this.httpPort = ports.httpPort;
    this.tlsPort = ports.tlsPort;
  }

  /** PEM of the CA that issues. */
  rootPem(): Promise<string> {
    return get(`${this.#managementUrl}/roots/0`, this.#caPem);
  }

  /** From now on a name leads to this address. */
  async point(host: string, address: string): Promise<void> {
    for (const [path, body] of [
      ["clear-a", { host }],
      ["add-a", { host, addresses: [address] }],
    ] as const) {
      const answer = await fetch(`${this.#dnsUrl}/${path}`, { method: "POST", body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`The DNS server answered ${answer.status} to ${path}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGKILL")) await exited;
    }
    rmSync(this.#folder, { recursive: true });
  }
}

/** Ports that are free now: Pebble takes none by itself. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ca }, (response) => {
      text(response).then(resolve, reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
