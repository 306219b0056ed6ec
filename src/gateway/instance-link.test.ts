/** The connection of an instance that is frozen and thawed, or that its server opens and closes as it likes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, goAway, settings, windowUpdate } from "../h2/testing/script.ts";
import { LinkBench } from "./testing/link-bench.ts";
import type { RawPeer } from "./testing/raw-peer.ts";

/** What came of `resume`; undefined: nothing yet. */
function resumed(bench: LinkBench, timeoutMs = 1000): () => boolean | undefined {
  let proved: boolean | undefined;
  void bench.link.resume(timeoutMs).then((isProved) => {
    proved = isProved;
  });
  return () => proved;
}

const probes = (bench: LinkBench) => bench.peer.words.filter((words) => words === "SETTINGS 0").length - 1;

test("suspend: for hours nothing is sent, with a PING without answer too; resume proves it by SETTINGS, not by PING", async () => {
  const bench = await LinkBench.start();
  const call = bench.call();
  await bench.pass(12);
  assert.ok(bench.peer.words.some((words) => words.startsWith("PING 0")));
  call.stream.reset(8);
  await bench.settled();
  bench.link.suspend();
  const { length } = bench.peer.frames;
  await bench.pass(10_000);
  assert.equal(bench.peer.frames.length, length);
  const proved = resumed(bench);
  await bench.pass(0);
  assert.equal(proved(), true);
  await bench.pass(5);
  assert.equal(probes(bench), 1);
  assert.deepEqual(bench.told, []);
  assert.equal(bench.connects, 1);
  assert.equal(bench.peer.words.filter((words) => words.startsWith("PING 0")).length, 1);
});

test("resume: without an answer in time it is false, and silence is not judged meanwhile", async () => {
  const bench = await LinkBench.start();
  const call = bench.call();
  await bench.pass(12);
  assert.ok(bench.peer.words.at(-1)?.startsWith("PING 0"));
  call.stream.reset(8);
  bench.link.suspend();
  await bench.pass(100);
  bench.acknowledges = false;
  const proved = resumed(bench, 15_000);
  await bench.pass(14);
  assert.equal(proved(), undefined);
  assert.deepEqual(bench.told, []);
  await bench.pass(2);
  assert.equal(proved(), false);
});

test("resume: an instance that exits or is stopped meanwhile, or did before, is not proved", async () => {
  const exits = await LinkBench.start();
  exits.acknowledges = false;
  exits.link.suspend();
  const proved = resumed(exits);
  exits.exit();
  await exits.settled();
  assert.equal(proved(), false);
  assert.equal(await exits.link.resume(1000), false);
  const stops = await LinkBench.start();
  stops.acknowledges = false;
  const other = resumed(stops);
  stops.link.close();
  await stops.settled();
  assert.equal(other(), false);
  const freezes = await LinkBench.start();
  freezes.acknowledges = false;
  const third = resumed(freezes);
  freezes.link.suspend();
  await freezes.settled();
  assert.equal(third(), false);
});

for (const how of ["GOAWAY", "loss", "garbage"] as const) {
  test(`suspend: ${how} is remembered, nothing is told and nothing opened; resume opens a connection and tells what it allows`, async () => {
    const bench = await LinkBench.start();
    bench.link.suspend();
    bench.peer.send(settings([3, 50]), windowUpdate(0, 5));
    if (how === "GOAWAY") bench.peer.send(goAway(0, 0));
    else if (how === "loss") bench.peer.destroy();
    else bench.peer.send(frame(0, 0, 0));
    await bench.pass(1000);
    assert.deepEqual(bench.told, []);
    assert.equal(bench.connects, 1);
    bench.greeting = settings([3, 7]);
    const proved = resumed(bench);
    await bench.settled();
    assert.equal(bench.connects, 2);
    assert.equal(proved(), true);
    assert.deepEqual(bench.told, ["ready 7"]);
    assert.doesNotThrow(() => bench.call());
  });
}

test("suspend: SETTINGS that come are told with resume, before it is proved", async () => {
  const bench = await LinkBench.start();
  bench.link.suspend();
  bench.peer.send(settings([3, 5]));
  await bench.pass(1);
  assert.deepEqual(bench.told, []);
  const proved = bench.link.resume(1000).then(() => bench.told.push("proved"));
  await proved;
  assert.deepEqual(bench.told, ["ready 5", "proved"]);
});

test("resume: a connection that ends while it is being proved is opened anew, and that proves it", async () => {
  for (const how of ["GOAWAY", "loss"] as const) {
    const bench = await LinkBench.start();
    bench.link.suspend();
    bench.acknowledges = false;
    const proved = resumed(bench);
    await bench.settled();
    if (how === "GOAWAY") bench.peer.send(goAway(0, 11, "too_many_pings"));
    else bench.peer.destroy();
    await bench.settled();
    assert.equal(proved(), true);
    assert.equal(bench.connects, 2);
    assert.deepEqual(bench.told, []);
  }
});

test("resume: where no connection can be had in time the scheduler knows that no call may be sent", async () => {
  const bench = await LinkBench.start();
  bench.link.suspend();
  bench.peer.send(goAway(0, 0));
  await bench.settled();
  bench.greeting = undefined;
  bench.acknowledges = false;
  const proved = resumed(bench);
  await bench.pass(2);
  assert.equal(proved(), false);
  assert.deepEqual(bench.told, ["unavailable"]);
});

test("freezing after every call for a day: no PING, and one SETTINGS for each thaw", async () => {
  const bench = await LinkBench.start();
  for (let i = 0; i < 2000; i++) {
    bench.link.suspend();
    await bench.pass(43);
    assert.equal(await bench.link.resume(1000), true);
  }
  assert.equal(probes(bench), 2000);
  assert.equal(bench.connects, 1);
  assert.deepEqual(bench.told, []);
});

const ENDS: readonly (readonly [string, (peer: RawPeer) => void])[] = [
  ["closes each connection before it greets", (peer) => peer.destroy()],
  ["closes each connection behind its greeting", (peer) => setImmediate(() => peer.destroy())],
  ["sends GOAWAY behind each greeting", (peer) => peer.send(goAway(0, 0))],
];

for (const [what, end] of ENDS) {
  test(`an instance that ${what} is tried again with growing waits, and lost after ten times`, async () => {
    const bench = await LinkBench.start();
    bench.afterGreeting = end;
    bench.peer.send(goAway(0, 0));
    for (let ms = 0; ms < 1000; ms += 5) {
      await bench.settled();
      bench.clock.advance(5);
    }
    assert.ok(bench.connects <= 9, `${bench.connects} connections in the first second`);
    for (let i = 0; i < 5; i++) await bench.pass(1);
    assert.equal(bench.connects, 11);
    assert.equal(bench.told.at(-1), "lost FunctionExited");
  });
}

test("an instance that ends its connections every 60 ms is given a new one each time, without a wait", async () => {
  const bench = await LinkBench.start();
  for (let i = 0; i < 100; i++) {
    bench.clock.advance(60);
    bench.peer.send(goAway(0, 0));
    await bench.settled();
    assert.equal(bench.connects, i + 2);
    assert.equal(bench.told.at(-1), "ready 100");
  }
});

test("a call whose connection was lost for want of memory hears so at once, before the process has ended", async () => {
  const bench = await LinkBench.start();
  const { log } = bench.call();
  bench.ranOutOfMemory = true;
  bench.peers[0]!.destroy();
  await bench.settled();
  assert.deepEqual(log.at(-1), "closed");
  assert.equal((await bench.link.whyLost()).errorType, "FunctionOOM");
});

test("an instance that hangs, or whose bytes are lost on the way, is lost within 23 s of its last sign of life, with its calls", async () => {
  const bench = await LinkBench.start();
  const { log } = bench.call();
  await bench.pass(20);
  assert.deepEqual(bench.told, []);
  await bench.pass(3);
  assert.deepEqual(bench.told, ["lost FunctionUnresponsive"]);
  assert.deepEqual(log, ["reset 2", "closed"]);
  const why = bench.link.whyLost();
  bench.exit();
  assert.equal((await why).errorType, "FunctionUnresponsive");
});
