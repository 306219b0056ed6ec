import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { haproxyCfg } from "../peers/haproxy.cfg.ts";
import { nginxConf, type PeerOptions } from "../peers/nginx.conf.ts";

/** A gateway under test: where it listens, and what it costs. */
export interface Side {
  readonly name: string;
  readonly port: number;
  /** Its process; the CPU time of all its children counts too. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** `node-tls-floor` is no gateway: what TLS sockets in Node cost by themselves. */
export type PeerName = "haproxy" | "nginx" | "node-http2" | "node-tls-floor";

/** The peers wanted, by name; undefined where one is not installed. */
export async function startPeers(
  options: Omit<PeerOptions, "port">,
  wanted: readonly PeerName[] = ["haproxy", "nginx", "node-http2"],
): Promise<ReadonlyMap<string, Side | undefined>> {
  const nginxFile = join(options.folder, "nginx.conf");
  const haproxyFile = join(options.folder, "haproxy.cfg");
  const bundleFile = join(options.folder, "bundle.pem");
  writeFileSync(
    bundleFile,
    [options.certificateFile, options.keyFile].map((file) => `${readFileSync(file, "utf8").trim()}\n`).join(""),
    {
      mode: 0o600,
    },
  );
  const [nginxPort, haproxyPort, nodePort] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(nginxFile, nginxConf({ ...options, port: nginxPort }));
  writeFileSync(haproxyFile, haproxyCfg({ ...options, port: haproxyPort, bundleFile }));
  const node = join(import.meta.dirname, "..", "peers", "node-http2-proxy.ts");
  const floor = join(import.meta.dirname, "..", "peers", "node-tls-floor.ts");
  const floorPort = await freePort();
  const floorArgs = [floor, String(floorPort), options.certificateFile, options.keyFile];
  const nodeArgs = [node, String(nodePort), String(options.functionPort), options.certificateFile, options.keyFile];
  const start: Readonly<Record<PeerName, () => Promise<Side | undefined>>> = {
    haproxy: () => startPeer("haproxy", haproxyPort, "haproxy", ["-f", haproxyFile]),
    nginx: () => startPeer("nginx", nginxPort, "nginx", ["-c", nginxFile]),
    "node-http2": () => startPeer("node-http2", nodePort, process.execPath, nodeArgs),
    "node-tls-floor": () => startPeer("node-tls-floor", floorPort, process.execPath, floorArgs),
  };
  const started = new Map<string, Side | undefined>();
  for (const name of wanted) started.set(name, await start[name]());
  return started;
}

async function startPeer(
  name: string,
  port: number,
  command: string,
  args: readonly string[],
): Promise<Side | undefined> {
  if (spawnSync("sh", ["-c", `command -v ${command}`]).status !== 0) return undefined;
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  await untilListening(port, child, name);
  return { name, port, pid: child.pid as number, stop: () => stop(child) };
}

/** SIGTERM, and the end of the process. */
export function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export async function untilListening(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (connected) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 25);
    });
  }
  throw new Error(`${name} does not listen on ${port}`);
}
