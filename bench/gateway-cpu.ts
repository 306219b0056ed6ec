/**
 * CPU time of a unary call through Sluice and through peers, as ratios pair by pair. One process each, TLS in, h2c out,
 * the same key, cipher and function; Sluice with routing, admission, request ids, limits, metering and call log on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixtures } from "../test/fixtures/build.ts";
import { folderOf } from "../test/support/clients.ts";
import { Sluice } from "../test/support/sluice.ts";
import { cpuTimeMs } from "./lib/cpu-time.ts";
import { callsOf } from "./lib/differing-calls.ts";
import { h2load } from "./lib/h2load.ts";
import { ONE_ADDRESS } from "./lib/one-address.ts";
import { freePort, type Side, startPeers, stop, untilListening } from "./lib/peers.ts";
import type { Bar, BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

interface Shape {
  readonly name: string;
  readonly connections: number;
  readonly streams: number;
  /** grpc-timeout and traceparent differ for each call. */
  readonly differing: boolean;
}

const SHAPES: readonly Shape[] = [
  { name: "1x1", connections: 1, streams: 1, differing: false },
  { name: "100x1", connections: 100, streams: 1, differing: false },
  { name: "10x10", connections: 10, streams: 10, differing: false },
  { name: "10x10-real", connections: 10, streams: 10, differing: true },
];

const BARS: readonly (readonly [shape: string, peer: string, limit: number])[] = [
  ["1x1", "haproxy", 1.2],
  ["100x1", "haproxy", 0.7],
  ["10x10", "haproxy", 0.5],
  ["10x10-real", "haproxy", 0.6],
  ["10x10", "node-http2", 0.2],
];

const PATH = "/test.Echo/Unary";

/** EchoRequest with a payload of 16 bytes, length-prefixed. */
const REQUEST = Buffer.concat([Buffer.from([0, 0, 0, 0, 18, 0x0a, 16]), Buffer.alloc(16, 0x61)]);

interface Measured {
  readonly calls: number;
  readonly microseconds: number;
}

export async function run(length: BenchLength): Promise<BenchResult> {
  const { go } = await fixtures();
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  const bodyFile = join(folder, "request.bin");
  writeFileSync(bodyFile, REQUEST);
  const functionPort = await freePort();
  const direct = spawn(go.plain, [], {
    env: { ...process.env, FC_SERVER_PORT: String(functionPort) },
    stdio: "ignore",
  });
  await untilListening(functionPort, direct, "the function");
  const configuration = { ...ONE_ADDRESS, instancesMax: 1 };
  await using sluice = await Sluice.start({ configuration });
  const started: (Side | undefined)[] = [];
  try {
    await sluice.deploy({
      name: "plain",
      codeUri: folderOf(go.plain),
      function: { instanceConcurrency: 200, customRuntimeConfig: { command: ["./plain"] } },
    });
    const tls = join(sluice.dataDir, "tls");
    const peers = await startPeers(
      {
        functionPort,
        folder,
        certificateFile: join(tls, "default.pem"),
        keyFile: join(tls, "default.key"),
      },
      ["haproxy", "nginx", "node-http2", "node-tls-floor"],
    );
    started.push(...peers.values());
    const port = Number(sluice.endpoint.grpcAddress.split(":").pop());
    const sides = new Map<string, Side | undefined>([
      ["sluice", { name: "sluice", port, pid: sluice.endpoint.pid, stop: async () => {} }],
      ...peers,
    ]);
    return await compare(sides, bodyFile, length);
  } finally {
    for (const peer of started) await peer?.stop();
    await stop(direct as ChildProcess);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(
  sides: ReadonlyMap<string, Side | undefined>,
  bodyFile: string,
  length: BenchLength,
): Promise<BenchResult> {
  const rows: Record<string, string | number>[] = [];
  const bars: Bar[] = [];
  const present = [...sides.values()].filter((side) => side !== undefined);
  for (const shape of SHAPES) {
    const measured = new Map<string, Measured[]>(present.map((side) => [side.name, []]));
    // Not counted: what is compiled, and the tables and windows that fill, in the first moments of a load.
    if (length.pairs > 1) for (const side of present) await measure(side, shape, bodyFile, length.seconds);
    for (let pair = 0; pair < length.pairs; pair++) {
      for (const side of present) measured.get(side.name)?.push(await measure(side, shape, bodyFile, length.seconds));
    }
    const own = measured.get("sluice") ?? [];
    for (const [name] of sides) {
      const runs = measured.get(name);
      if (runs === undefined) {
        rows.push({ load: shape.name, side: name, "us/call": "not installed" });
        continue;
      }
      const ratios = own.map((mine, i) => mine.microseconds / (runs[i]?.microseconds ?? Number.NaN));
      rows.push({
        load: shape.name,
        side: name,
        "us/call": round(median(runs.map((one) => one.microseconds)), 1),
        "calls/s": Math.round(median(runs.map((one) => one.calls)) / length.seconds),
        "sluice/side": name === "sluice" ? "" : round(median(ratios), 2),
        spread: name === "sluice" ? "" : `${round(Math.min(...ratios), 2)}-${round(Math.max(...ratios), 2)}`,
      });
    }
    for (const [load, peer, limit] of BARS.filter(([load]) => load === shape.name)) {
      const runs = measured.get(peer);
      const ratios = own.map((mine, i) => mine.microseconds / (runs?.[i]?.microseconds ?? Number.NaN));
      bars.push({ name: `${load}-vs-${peer}`, value: runs === undefined ? null : round(median(ratios), 3), limit });
    }
  }
  const missing = [...sides]
    .filter(([, side]) => side === undefined)
    .map(([name]) => `${name} is not installed: its bars are not ok`);
  return {
    bench: "gateway-cpu",
    rows,
    bars,
    notes: [
      "instanceConcurrency 200, one instance; user + system time of all processes of a side but the function",
      "node-tls-floor is no gateway: a TLS server in Node that answers from prepared bytes, without a function behind it",
      ...missing,
    ],
  };
}

async function measure(side: Side, shape: Shape, bodyFile: string, seconds: number): Promise<Measured> {
  const isFunction = (commandLine: string) => /(^|\/)plain( |$)/.test(commandLine);
  const before = cpuTimeMs(side.pid, isFunction);
  const load = { port: side.port, connections: shape.connections, streams: shape.streams, seconds, path: PATH };
  const calls = shape.differing
    ? await callsOf({ ...load, body: REQUEST })
    : await h2load({ ...load, bodyFile, answerBytes: REQUEST.length });
  return { calls, microseconds: ((cpuTimeMs(side.pid, isFunction) - before) * 1000) / calls };
}
