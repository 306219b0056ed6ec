import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger as logger } from "../base/base.ts";
import { createDriver, inspectHost } from "./drivers.ts";
import { isRoot, sandboxSkip } from "./testing/subjects.ts";

const output = () => {};

test("createDriver: auto takes the strongest that works, and says what does not", async () => {
  const { driver, chosen, tried } = await createDriver({ isolation: "auto", output, logger });
  const hasSandbox = sandboxSkip() === false;
  assert.equal(chosen, hasSandbox ? "sandbox" : "process");
  assert.equal(driver.name, chosen);
  assert.deepEqual(
    tried.map(({ name }) => name),
    hasSandbox ? [] : ["sandbox", "container"],
  );
  await driver.close();
});

test("createDriver: what is asked for and does not work is an error with the reason", async () => {
  process.env["DOCKER_HOST"] = "unix:///absent/docker.sock";
  await assert.rejects(createDriver({ isolation: "container", output, logger }), {
    message:
      'No instance can be started with isolation "container" on this machine: container: no container engine answers at ' +
      "unix:///absent/docker.sock (nothing listens there): start Docker or Podman, or set DOCKER_HOST to the address of one " +
      "(unix:///path/to/its.sock)",
  });
});

test("createDriver: a wrong configuration is named before anything starts", async () => {
  const start = createDriver({ isolation: "process", output, logger, configuration: { uidFirst: 0 } });
  await assert.rejects(start, { message: "uidFirst must be a whole number from 1 to 2147483648, but is 0" });
});

test("createDriver: egress that cannot be had is an error that says what to do, and no weaker isolation takes its place", {
  skip: sandboxSkip() || (isRoot ? "for an ordinary user: ordinary-user.test.ts runs it as one" : false),
}, async () => {
  const configuration = { egress: "nat" } as const;
  await assert.rejects(createDriver({ isolation: "auto", output, logger, configuration }), {
    message:
      "egress nat, a way out for functions, cannot be had here: only root may change the host's network " +
      "(to get it: start Sluice as root; without it: egress none)",
  });
});

test("inspectHost: tells an ordinary user what root has more", {
  skip: sandboxSkip() || (isRoot ? "for an ordinary user: ordinary-user.test.ts runs it as one" : false),
}, async () => {
  const sandbox = (await inspectHost({ output, logger })).find(({ name }) => name === "sandbox")!;
  assert.equal(sandbox.works, true, sandbox.reason);
  const wayOut = sandbox.features.find(({ name }) => name === "a way out to the network, with internetAccess");
  assert.deepEqual([wayOut?.works, wayOut?.detail], [true, "in user mode, by slirp4netns"]);
  for (const name of ["a user id for each function", "/tmp on disk, of diskSize"]) {
    const { works, remedy } = sandbox.features.find((feature) => feature.name === name)!;
    assert.deepEqual({ works, remedy }, { works: false, remedy: "start Sluice as root" }, name);
  }
  assert.equal(sandbox.features.find(({ name }) => name === "limit of processes")?.works, true);
});
