/**
 * What idle things cost in resident memory: a TLS 1.3 connection (over a bare node:tls server, and against node:http2),
 * an open call on a function, and a route. Every measurement has a fresh server; clients are in processes of their own.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sluice } from "../test/support/sluice.ts";
import { Crowd, residentKb, settledKb } from "./lib/crowd.ts";
import { h2load } from "./lib/h2load.ts";
import { runLoad } from "./lib/load-process.ts";
import { ONE_ADDRESS } from "./lib/one-address.ts";
import { freePort, stop, untilListening } from "./lib/peers.ts";
import { deployPlain, messageOf, portOf } from "./lib/plain-function.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

const INSTANCE_CONCURRENCY = 200;

/** How much of everything is opened. */
interface Sizes {
  readonly connections: number;
  readonly streamConnections: number;
  readonly streams: number;
  readonly routes: number;
  readonly settleSeconds: number;
  readonly isFull: boolean;
}

const FULL: Sizes = {
  connections: 10_000,
  streamConnections: 1_000,
  streams: 100,
  routes: 100_000,
  settleSeconds: 8,
  isFull: true,
};

/** Where CI only looks whether it works. */
const SMALL: Sizes = {
  connections: 50,
  streamConnections: 10,
  streams: 10,
  routes: 1_000,
  settleSeconds: 0.5,
  isFull: false,
};

/** A server's certificate, for peers: that of a Sluice. */
interface Pair {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export async function run(length: BenchLength): Promise<BenchResult> {
  const sizes = length.seconds < 5 ? SMALL : FULL;
  const pairs = Math.min(length.pairs, 3);
  const tls: number[] = [];
  const http2: number[] = [];
  const own: number[] = [];
  const streams: number[] = [];
  const routes: { readonly heapKb: number; readonly residentKb: number }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    await using sluice = await Sluice.start({ configuration: ONE_ADDRESS });
    const folder = join(sluice.dataDir, "tls");
    const files = { certificateFile: join(folder, "default.pem"), keyFile: join(folder, "default.key") };
    tls.push(await peerConnectionKb("tls", files, sizes));
    own.push(await connectionKb(sluice.endpoint.pid, portOf(sluice), sizes, false));
    http2.push(await peerConnectionKb("http2", files, sizes));
    routes.push(await runLoad("routes-main.ts", { routes: sizes.routes }, ["--expose-gc"]));
  }
  for (let pair = 0; pair < Math.min(pairs, 2); pair++) streams.push(await streamKb(sizes));
  const over = own.map((value, pair) => value - (tls[pair] ?? Number.NaN));
  const ratios = own.map((value, pair) => value / (http2[pair] ?? Number.NaN));
  const spread = (values: readonly number[]) => `${round(Math.min(...values), 2)}-${round(Math.max(...values), 2)}`;
  const row = (what: string, values: readonly number[]) => ({
    what,
    KB: round(median(values), 2),
    spread: spread(values),
  });
  const bar = (name: string, values: readonly number[], limit: number) => ({
    name,
    value: sizes.isFull ? round(median(values), 2) : null,
    limit,
  });
  const routeKb = routes.map((one) => one.heapKb);
  return {
    bench: "gateway-memory",
    rows: [
      row("connection, bare node:tls", tls),
      row("connection, node:http2", http2),
      row("connection, sluice", own),
      row("connection, sluice over node:tls", over),
      row("open call, sluice", streams),
      row("route, sluice (heap)", routeKb),
      row(
        "route, sluice (resident)",
        routes.map((one) => one.residentKb),
      ),
    ],
    bars: [
      bar("connection-over-tls-kb", over, 12),
      bar("connection-vs-node-http2", ratios, 1),
      bar("stream-kb", streams, 1.5),
      bar("route-kb", routeKb, 1),
    ],
    notes: [
      `${sizes.connections} connections; ${sizes.streamConnections} connections x ${sizes.streams} calls; ${sizes.routes} routes; ${pairs} fresh servers each`,
      `raised for the calls: instancesMax, queueCallsMax, instanceMemoryMaxMb, startsAtOnceMax; ${INSTANCE_CONCURRENCY} calls an instance, each instance's own cost is in its calls`,
      `spread of connection-vs-node-http2: ${spread(ratios)}`,
      "a route is measured in the table alone, as heap after a full collection",
      ...(sizes.isFull ? [] : ["a short run: everything is scaled down, and no bar is judged"]),
    ],
  };
}

async function connectionKb(pid: number, port: number, sizes: Sizes, bare: boolean): Promise<number> {
  // A few first, so that code and first blocks of the heap are not counted.
  {
    await using _first = await Crowd.gather({ port, authority: "localhost", connections: 20, bare });
  }
  const before = residentKb(pid);
  await using crowd = await Crowd.gather({ port, authority: "localhost", connections: sizes.connections, bare });
  const after = await settledKb(pid, sizes.settleSeconds);
  crowd.check();
  return (after - before) / sizes.connections;
}

async function peerConnectionKb(kind: "tls" | "http2", pair: Pair, sizes: Sizes): Promise<number> {
  const port = await freePort();
  const program = join(import.meta.dirname, "peers", "idle-server.ts");
  const child = spawn(process.execPath, [program, kind, String(port), pair.certificateFile, pair.keyFile], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await untilListening(port, child, `the ${kind} server`);
    return await connectionKb(child.pid as number, port, sizes, kind === "tls");
  } finally {
    await stop(child);
  }
}

/** An open call: both streams of it, with its share of the instance's connection. */
async function streamKb(sizes: Sizes): Promise<number> {
  const calls = sizes.streamConnections * sizes.streams;
  await using sluice = await Sluice.start({
    configuration: {
      ...ONE_ADDRESS,
      instancesMax: 1000,
      queueCallsMax: 1_000_000,
      instanceMemoryMaxMb: 1_000_000,
      startsAtOnceMax: 8,
    },
  });
  const info = await deployPlain(sluice, {
    instanceConcurrency: INSTANCE_CONCURRENCY,
    memorySize: 128,
    timeout: 3600,
  });
  const port = portOf(sluice);
  const { pid } = sluice.endpoint;
  const authority = info.host ?? "";
  await warmUp(port);
  await using crowd = await Crowd.gather({
    port,
    authority,
    connections: sizes.streamConnections,
    streams: sizes.streams,
  });
  const before = await settledKb(pid, sizes.settleSeconds);
  await crowd.openStreams();
  const after = await settledKb(pid, sizes.settleSeconds);
  crowd.check();
  return (after - before) / calls;
}

/** Calls, so that code and the young part of the heap have their size before anything is counted. */
async function warmUp(port: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  try {
    const bodyFile = join(folder, "request.bin");
    const message = messageOf(16);
    writeFileSync(bodyFile, message);
    const load = { port, connections: 10, streams: 10, seconds: 2, path: "/test.Echo/Unary" };
    await h2load({ ...load, bodyFile, answerBytes: message.length });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
