/**
 * First call on a function with no process, from the client's send to its reply: a Go server in the sandbox with uid,
 * cgroups, /tmp and network on; beside the same program started bare, from spawn to its first reply.
 */
import { spawn } from "node:child_process";
import { connect } from "node:http2";
import { OrdinaryUser } from "../src/drivers/testing/ordinary-user.ts";
import { fixtures } from "../test/fixtures/build.ts";
import { folderOf } from "../test/support/clients.ts";
import { eventually, type Info, Sluice } from "../test/support/sluice.ts";
import { ONE_ADDRESS } from "./lib/one-address.ts";
import { freePort, stop } from "./lib/peers.ts";
import type { BenchLength, BenchResult } from "./lib/report.ts";
import { openSession, timedCall } from "./lib/sluice-session.ts";
import { percentile, round } from "./lib/statistics.ts";

/** Cold starts measured; fewer where CI only looks whether it works. */
const STARTS = 100;

export async function run(length: BenchLength): Promise<BenchResult> {
  const starts = length.seconds < 5 ? 3 : STARTS;
  const connections = length.seconds < 5 ? 100 : 10_000;
  const { go } = await fixtures();
  const configuration = { ...ONE_ADDRESS, idleStopMs: 1, networkPoolSize: 8 };
  await using user = await OrdinaryUser.create();
  await using sluice = await Sluice.start({ isolation: "sandbox", configuration });
  await using unprivileged = await Sluice.start({ isolation: "sandbox", configuration, as: user });
  const plain = {
    name: "plain",
    codeUri: folderOf(go.plain),
    function: { instanceConcurrency: 10, customRuntimeConfig: { command: ["./plain"] } },
  };
  const info = await sluice.deploy(plain);
  const unprivilegedInfo = await unprivileged.deploy(plain);
  const bare: number[] = [];
  const cold: number[] = [];
  const withoutRoot: number[] = [];
  const crowded: number[] = [];
  for (let i = 0; i < starts; i++) {
    bare.push(await bareStart(go.plain));
    cold.push(await coldCall(sluice, info));
    withoutRoot.push(await coldCall(unprivileged, unprivilegedInfo));
  }
  const idle = await openIdle(sluice, info, connections);
  for (let i = 0; i < starts; i++) crowded.push(await coldCall(sluice, info));
  for (const socket of idle) socket.destroy();
  const row = (what: string, values: readonly number[]) => ({
    what,
    "p50 ms": round(percentile(values, 0.5), 1),
    "p95 ms": round(percentile(values, 0.95), 1),
    "max ms": round(Math.max(...values), 1),
  });
  const p50 = percentile(cold, 0.5);
  return {
    bench: "cold-start",
    rows: [
      row("bare exec, spawn to first reply", bare),
      row("sandbox, first call to reply", cold),
      row("sandbox of an ordinary user", withoutRoot),
      row(`sandbox, with ${connections} idle connections`, crowded),
    ],
    bars: [
      { name: "p50-ms", value: round(p50, 1), limit: 25 },
      { name: "p95-ms", value: round(percentile(cold, 0.95), 1), limit: 40 },
      { name: "without-root-p50-ms", value: round(percentile(withoutRoot, 0.5), 1), limit: 25 },
      { name: "over-bare-exec-p50-ms", value: round(p50 - percentile(bare, 0.5), 1), limit: 10 },
      {
        name: "p50-with-10000-connections-ms",
        value: connections < 10_000 ? null : round(percentile(crowded, 0.5), 1),
        limit: 30,
      },
    ],
    notes: [`${starts} starts each, in turn; the client's connection is open before; idleStopMs 1; networkPoolSize 8`],
  };
}

/** Waits until no instance runs, then makes one call. */
async function coldCall(sluice: Sluice, info: Info): Promise<number> {
  await eventually(
    "the function is cold",
    async () => (await sluice.info(info.serviceName, info.functionName)).instances.length === 0,
  );
  const session = await openSession(sluice, info);
  try {
    return await timedCall(session, info.host ?? "");
  } finally {
    session.close();
  }
}

/** The program alone: from spawn until a first call is answered, retried as soon as it is refused. */
async function bareStart(program: string): Promise<number> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(program, [], { env: { FC_SERVER_PORT: String(port) }, stdio: "ignore" });
  try {
    for (;;) {
      const session = connect(`http://127.0.0.1:${port}`);
      const connected = await new Promise<boolean>((resolve) => {
        session.once("connect", () => resolve(true));
        session.once("error", () => resolve(false));
      });
      if (!connected) continue;
      await timedCall(session, "127.0.0.1");
      session.close();
      return performance.now() - startedAt;
    }
  } finally {
    await stop(child);
  }
}

/** Idle TLS connections with their HTTP/2 handshake done. */
async function openIdle(sluice: Sluice, info: Info, count: number): Promise<{ destroy(): void }[]> {
  const open: { destroy(): void }[] = [];
  while (open.length < count) {
    const batch = Array.from({ length: Math.min(50, count - open.length) }, () => openSession(sluice, info));
    open.push(...(await Promise.all(batch)));
  }
  return open;
}
