/** Run by egress.test.ts in namespaces of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { type DockerDaemon, startDockerDaemon } from "../docker-daemon.ts";
import { TestHome } from "../test-function.ts";
import { makeTestImages, type TestImages } from "../test-images.ts";
import { bringUpOutside, FAR, NAME, OUTSIDE, PORT, useNameServer } from "./outside.ts";
import {
  assertDenied,
  closeDrivers,
  deniedTargets,
  listenOnHost,
  sceneDriver,
  startInstance,
  untilReached,
} from "./scene.ts";

const internetAccess = true;

describe("a way out for containers", () => {
  let home: TestHome;
  let daemon: DockerDaemon;
  let images: TestImages;
  const closing: (() => void)[] = [];
  before(async () => {
    closing.push(await bringUpOutside());
    useNameServer(OUTSIDE);
    closing.push(await listenOnHost());
    home = await TestHome.create();
    const started = await startDockerDaemon();
    if ("skip" in started) throw new Error(started.skip);
    daemon = started;
    process.env["DOCKER_HOST"] = daemon.address;
    images = await makeTestImages(daemon.address);
  });
  after(async () => {
    for (const close of closing) close();
    await closeDrivers();
    await daemon.stop();
    await home.remove();
  });

  test("nat: the outside is reached, also by name, where internetAccess is true; what is denied is not", async () => {
    const driver = await sceneDriver({ egress: "nat", containerBaseImage: images.base }, undefined, "container");
    const { dialogue } = await startInstance(driver, home, { internetAccess });
    const { dialogue: without } = await startInstance(driver, home, {});
    for (const host of [OUTSIDE, FAR, NAME]) await untilReached(dialogue, { by: "tcp", host, port: PORT });
    await assertDenied(dialogue, await deniedTargets(dialogue, without));
    const reachable = [OUTSIDE, FAR].map((host) => ({ by: "tcp" as const, host, port: PORT }));
    await assertDenied(without, [...(await deniedTargets(without, dialogue)), ...reachable]);
    await driver.close();
    assert.equal(execFileSync("nft", ["list", "tables"], { encoding: "utf8" }).includes("sluice"), false);
  });
});
