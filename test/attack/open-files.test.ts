/** Clients that come when the process can open no more files: those that are there go on, and nothing spins. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { goMissing, missingPart } from "../support/clients.ts";
import { HonestClient } from "./support/honest-client.ts";
import { Target } from "./support/target.ts";

/** Files that can still be opened when the clients come: fewer than one address has handshakes. */
const SPARE_FILES = 20;
const CLIENTS = 200;
/** How long it is watched, and the part of a core that it may take meanwhile: a loop that spins takes all of it. */
const WATCH_MS = 3000;
const BUSY_RATIO = 0.4;
const TICK_MS = 10;

const prlimitMissing = missingPart(
  spawnSync("prlimit", ["--version"]).status === 0 ? undefined : "prlimit is not installed (util-linux)",
);

/** CPU time that a process has used (proc(5): utime and stime). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The limit under which `spare` more files can be opened: numbers below it that are free (getrlimit(2)). */
function limitWithSpare(pid: number, spare: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < spare; limit++) if (!taken.has(limit)) free++;
  return limit;
}

function limitOpenFiles(pid: number, count: number): void {
  const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--nofile=${count}:`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}

async function openSilent(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  return socket;
}

test("with no file left, open connections go on, new ones are closed, nothing spins, and it heals", {
  skip: goMissing || prlimitMissing,
}, async () => {
  await using target = await Target.start();
  const { pid, victim } = target;
  using honest = new HonestClient(victim);
  await honest.call();
  const before = readFileSync(`/proc/${pid}/limits`, "latin1").match(/Max open files\s+(\d+)/)?.[1];
  limitOpenFiles(pid, limitWithSpare(pid, SPARE_FILES));

  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => openSilent(victim.port)));
  const busyBefore = cpuMs(pid);
  await pause(WATCH_MS);
  const busyMs = cpuMs(pid) - busyBefore;
  const held = sockets.filter((socket) => !socket.closed).length;
  assert.ok(held > 0 && held <= SPARE_FILES, `${held} of ${CLIENTS} connections are held`);
  assert.ok(busyMs < WATCH_MS * BUSY_RATIO, `${busyMs} ms of CPU in ${WATCH_MS} ms`);
  await honest.call();

  for (const socket of sockets) socket.destroy();
  limitOpenFiles(pid, Number(before));
  using later = new HonestClient(victim);
  await later.call();
});
