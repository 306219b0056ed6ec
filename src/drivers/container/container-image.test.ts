/** What is particular to containers: whose program runs, as whom, and what it may. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, describe, test } from "node:test";
import type { DriverInstance, StartSpec } from "../driver.ts";
import type { LocalDriver } from "../local/local-driver.ts";
import { containerSetting } from "../testing/container-subjects.ts";
import { ownAddresses, reach } from "../testing/reach.ts";
import { Dialogue, TestHome } from "../testing/test-function.ts";
import { IMAGE_UID } from "../testing/test-images.ts";
import { openEngine } from "./engine.ts";

const setting = await containerSetting();

describe("containers", { skip: setting.skip }, () => {
  const homes: TestHome[] = [];
  const drivers: LocalDriver[] = [];
  const open = async (changes = {}): Promise<[LocalDriver, TestHome]> => {
    const home = await TestHome.create();
    const driver = await setting.openDriver(() => {}, changes);
    homes.push(home);
    drivers.push(driver);
    return [driver, home];
  };
  after(async () => {
    for (const driver of drivers) await driver.close();
    for (const home of homes) await home.remove();
  });
  const startIn = async (driver: LocalDriver, spec: StartSpec): Promise<[DriverInstance, Dialogue]> => {
    const instance = driver.start(spec);
    await instance.listening;
    return [instance, await Dialogue.open(instance)];
  };
  const imageSpec = (home: TestHome, image: Partial<StartSpec["image"]> = {}): StartSpec => {
    const { image: usual, ...rest } = setting.ofImage();
    return home.spec({ ...rest, image: { ...usual!, ...image } });
  };
  const end = async (instance: DriverInstance): Promise<void> => {
    instance.destroy();
    await instance.exited;
  };

  test("an image runs its own program in its own folder as its own user, with the variables of the contract", async () => {
    const [driver, home] = await open();
    const spec = { ...imageSpec(home), environment: { GREETING: "hello" } };
    const [instance, dialogue] = await startIn(driver, spec);
    const info = await dialogue.ask({ do: "info" });
    const { env, main, arguments: args, uid, cwd } = info as { env: Record<string, string> } & typeof info;
    assert.deepEqual([main, args, uid, cwd], ["/app/bootstrap", ["of the image"], IMAGE_UID, "/app"]);
    assert.equal(env["GREETING"], "hello");
    assert.equal(env["FC_INSTANCE_ID"], instance.id);
    assert.equal(env["FC_SERVER_PORT"], "9000");
    assert.equal(env["PATH"], "/usr/local/bin:/usr/bin:/bin");
    await end(instance);
  });

  test("command and args take the place of the image's, each for itself", async () => {
    const [driver, home] = await open();
    const [first, dialogue] = await startIn(driver, imageSpec(home, { args: ["one", "two words"] }));
    assert.deepEqual((await dialogue.ask({ do: "info" }))["arguments"], ["one", "two words"]);
    const command = ["node", "/app/bootstrap", "mine"];
    const [second, other] = await startIn(driver, imageSpec(home, { command, args: [] }));
    assert.deepEqual((await other.ask({ do: "info" }))["arguments"], ["mine"]);
    await Promise.all([end(first), end(second)]);
  });

  test("start faults: an image that is gone, a program that it has not, one that is not a program", async () => {
    const [driver, home] = await open();
    const fail = async (image: Partial<StartSpec["image"]>) => {
      const instance = driver.start(imageSpec(home, image));
      const error = await instance.listening.then(
        () => assert.fail("it listens"),
        (reason: { errorType: string; message: string }) => reason,
      );
      await instance.exited;
      return [error.errorType, error.message].join(": ");
    };
    assert.match(
      await fail({ id: `sha256:${"0".repeat(64)}` }),
      /^FunctionNotStarted: the image test\/program:1 \(sha256:0+\) is no longer on this machine: deploy the function again/,
    );
    assert.match(await fail({ command: ["/absent"] }), /^CAFileNotFound: its program is not in the image: .*\/absent/);
    assert.match(await fail({ command: ["/app"] }), /^CAFilePermission: its program may not be run: .*\/app/);
  });

  test("limits: CPU, open files, processes, core dumps; and no way to more rights", async () => {
    const [driver, home] = await open({ processesMax: 40 });
    const [instance, dialogue] = await startIn(driver, home.spec({ cpu: 0.25 }));
    const startedAt = performance.now();
    await dialogue.ask({ do: "burn", milliseconds: 300 });
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 800, `300 ms of CPU took ${tookMs} ms at a quarter of one`);
    const { out } = await dialogue.ask({
      do: "run",
      command: ["sh", "-c", "ulimit -n; ulimit -c; cat /proc/self/status"],
    });
    assert.match(String(out), /^(100000|\d{1,5})\n0\nName:.*^NoNewPrivs:\t1$/ms);
    const bomb = "i=0; while [ $i -lt 80 ]; do sleep 5 & i=$((i+1)); done";
    const forked = await dialogue.ask({ do: "run", command: ["sh", "-c", bomb] });
    assert.match(String(forked["out"]), /Cannot fork|Resource temporarily unavailable/);
    const { docker } = await openEngine();
    const [container] = await docker.listContainers({ filters: { label: [`sluice.instance=${instance.id}`] } });
    const { HostConfig } = await docker.getContainer(container!.Id).inspect();
    assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap], [512 * 1024 * 1024, 512 * 1024 * 1024]);
    assert.deepEqual([HostConfig.CapDrop, HostConfig.NetworkMode], [["ALL"], "none"]);
    await end(instance);
  });

  test("containerReadOnlyRoot: /tmp alone can be written; without it, all that its user may write", async () => {
    for (const containerReadOnlyRoot of [true, false]) {
      const [driver, home] = await open({ containerReadOnlyRoot });
      const [instance, dialogue] = await startIn(driver, home.spec());
      const written = async (path: string) => (await dialogue.ask({ do: "write", path }))["code"];
      assert.equal(await written("/tmp/new"), undefined);
      assert.equal(await written("/usr/bin/new"), containerReadOnlyRoot ? "EROFS" : "EACCES");
      assert.equal(await written("/code/new"), "EROFS");
      await end(instance);
    }
  });

  test("containerRuntime: one that the engine does not know is said", async () => {
    const [driver, home] = await open({ containerRuntime: "absent-runtime" });
    const instance = driver.start(home.spec());
    await assert.rejects(instance.listening, /the container engine says: .*absent-runtime/);
    await instance.exited;
  });

  test("containerBaseImage: one that is nowhere is said, with the engine's words", async () => {
    const [driver, home] = await open({ containerBaseImage: "127.0.0.1:1/absent:1" });
    const instance = driver.start(home.spec());
    await assert.rejects(
      instance.listening,
      /of containerBaseImage, .*127\.0\.0\.1:1\/absent:1 .*cannot be pulled: .*refused/,
    );
    await instance.exited;
  });

  test("network: neither the host, also on all its addresses, nor another container, nor the world is reached", async () => {
    const [driver, home] = await open();
    const server = createServer((socket) => socket.end("secret"));
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    try {
      const [one, dialogue] = await startIn(driver, home.spec());
      const [two, other] = await startIn(driver, imageSpec(home));
      const own = (await ownAddresses(dialogue))["eth0"]!;
      const theirs = (await ownAddresses(other))["eth0"]!;
      const host = own.replace(/\d+$/, (last) => String(Number(last) - 1));
      const attempts = await reach(dialogue, [
        { by: "tcp", host, port },
        { by: "tcp", host: theirs, port: 9000 },
        { by: "tcp", host: "169.254.169.254", port: 80 },
        { by: "udp", host, port: 53 },
      ]);
      for (const { result } of attempts) assert.match(result, /^(ECONNREFUSED|ENETUNREACH|EPERM|EACCES)$/);
      // The listener is one that can be reached, from where that is allowed.
      await Promise.all([end(one), end(two)]);
    } finally {
      server.close();
    }
  });
});
