/**
 * CPU for each GB through Sluice and through HAProxy: unary calls with 1 MiB each way, and server streams of 64 KiB
 * messages. And the time that an upload of 100 MB takes over a long line, which the growth of windows decides.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sluice } from "../test/support/sluice.ts";
import { cpuTimeMs } from "./lib/cpu-time.ts";
import { h2load } from "./lib/h2load.ts";
import { linesOf } from "./lib/lines-of.ts";
import { runLoad } from "./lib/load-process.ts";
import { type Side, startPeers, stop } from "./lib/peers.ts";
import { deployPlain, isFunction, messageOf, portOf, startDirect } from "./lib/plain-function.ts";
import type { Bar, BenchLength, BenchResult } from "./lib/report.ts";
import { median, round } from "./lib/statistics.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GB = 1e9;

interface Shape {
  readonly name: "unary" | "stream";
  readonly path: string;
  readonly messageBytes: number;
  /** Messages of the answer. */
  readonly repeat: number;
}

const SHAPES: readonly Shape[] = [
  { name: "unary", path: "/test.Echo/Unary", messageBytes: MIB, repeat: 1 },
  { name: "stream", path: "/test.Echo/ServerStream", messageBytes: 64 * KIB, repeat: 256 },
];

/** Connections, each with one call at a time. */
const CONNECTIONS = 4;

/** What clients announce as their windows, so that they are not what is measured. */
const WINDOW_BITS = 24;

/** Each direction of the line: a round trip takes twice as long. */
const ONE_WAY_MS = 50;
const UPLOAD_MESSAGES = 100;
const UPLOAD_MESSAGE_BYTES = 1_000_000;

export async function run(length: BenchLength): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  await using direct = await startDirect();
  await using sluice = await Sluice.start({ configuration: { instancesMax: 1 } });
  await deployPlain(sluice);
  const tls = join(sluice.dataDir, "tls");
  const peers = await startPeers(
    {
      functionPort: direct.port,
      folder,
      certificateFile: join(tls, "default.pem"),
      keyFile: join(tls, "default.key"),
    },
    ["haproxy"],
  );
  const haproxy = peers.get("haproxy");
  const own: Side = { name: "sluice", port: portOf(sluice), pid: sluice.endpoint.pid, stop: async () => {} };
  try {
    const rows: Record<string, string | number>[] = [];
    const bars: Bar[] = [];
    for (const shape of SHAPES) {
      const bodyFile = join(folder, `${shape.name}.bin`);
      writeFileSync(bodyFile, messageOf(shape.messageBytes));
      const mine: number[] = [];
      const theirs: number[] = [];
      for (let pair = 0; pair < length.pairs; pair++) {
        mine.push(await secondsForEachGb(own, shape, bodyFile, length.seconds));
        if (haproxy !== undefined) theirs.push(await secondsForEachGb(haproxy, shape, bodyFile, length.seconds));
      }
      const ratios = mine.map((value, pair) => value / (theirs[pair] ?? Number.NaN));
      rows.push({ load: shape.name, side: "sluice", "CPU s/GB": round(median(mine), 3) });
      rows.push({
        load: shape.name,
        side: "haproxy",
        "CPU s/GB": haproxy === undefined ? "not installed" : round(median(theirs), 3),
        "sluice/side": round(median(ratios), 2),
        spread: `${round(Math.min(...ratios), 2)}-${round(Math.max(...ratios), 2)}`,
      });
      const value = haproxy === undefined ? null : round(median(ratios), 3);
      bars.push({ name: `${shape.name}-vs-haproxy`, value, limit: 1 });
    }
    const messages = length.seconds < 5 ? UPLOAD_MESSAGES / 20 : UPLOAD_MESSAGES;
    const uploads: number[] = [];
    for (let i = 0; i < Math.min(3, length.pairs); i++) uploads.push(await upload(own.port, messages));
    const megabytes = (messages * UPLOAD_MESSAGE_BYTES) / 1e6;
    rows.push({ load: `upload of ${megabytes} MB`, side: "sluice", seconds: round(median(uploads), 2) });
    bars.push({
      name: "seconds-for-100mb-at-50ms",
      value: messages < UPLOAD_MESSAGES ? null : round(median(uploads), 2),
      limit: 5,
    });
    return { bench: "gateway-bytes", rows, bars, notes: notes(haproxy !== undefined, messages) };
  } finally {
    await haproxy?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function notes(hasHaproxy: boolean, messages: number): string[] {
  return [
    `${CONNECTIONS} connections x 1 call, client windows of 2^${WINDOW_BITS} bytes; unary counts bytes of both directions`,
    `the line delays ${ONE_WAY_MS} ms each way: a round trip of ${2 * ONE_WAY_MS} ms`,
    ...(hasHaproxy ? [] : ["haproxy is not installed: its bars are not ok"]),
    ...(messages < UPLOAD_MESSAGES ? ["a short run: the upload is smaller, and its bar is not judged"] : []),
  ];
}

/** User and system time of all processes of a side but the function, for 10^9 bytes of message bodies. */
async function secondsForEachGb(side: Side, shape: Shape, bodyFile: string, seconds: number): Promise<number> {
  const before = cpuTimeMs(side.pid, isFunction);
  const answerBytes = messageOf(shape.messageBytes).length * shape.repeat;
  const calls = await h2load({
    port: side.port,
    connections: CONNECTIONS,
    streams: 1,
    seconds,
    path: shape.path,
    bodyFile,
    answerBytes,
    windowBits: WINDOW_BITS,
    headers: [`x-repeat: ${shape.repeat}`],
  });
  const spentMs = cpuTimeMs(side.pid, isFunction) - before;
  return spentMs / 1000 / ((calls * (answerBytes + messageOf(shape.messageBytes).length)) / GB);
}

async function upload(port: number, messages: number): Promise<number> {
  const program = join(import.meta.dirname, "lib", "delay-proxy-main.ts");
  const line = spawn(process.execPath, [program, JSON.stringify({ port, oneWayMs: ONE_WAY_MS })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const target = { port: Number(await linesOf(line)()), tls: true };
    return await runLoad<number>("upload-main.ts", {
      target,
      messages,
      messageBytes: UPLOAD_MESSAGE_BYTES,
      path: "/test.Echo/ClientStream",
    });
  } finally {
    await stop(line);
  }
}
