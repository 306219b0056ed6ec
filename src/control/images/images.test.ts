import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { FakeImages } from "../testing/fake-images.ts";
import { IMAGE_TIMEOUT_MS, Images } from "./images.ts";
import { registryOf } from "./registry-name.ts";

test("an image that never comes is given up, and its place is free again", async () => {
  const clock = new FakeClock();
  const source = new FakeImages();
  source.ready = new Promise(() => {});
  const images = new Images({ source, clock, dockerConfigFile: "/nonexistent/config.json" });
  const wanted = { serviceName: "s", functionName: "f", reference: "r.example/a:1" };
  const resolving = assert.rejects(images.resolve(wanted), {
    code: "InvalidArgument",
    message: /r\.example\/a:1 was not here within 60 minutes: pull it beforehand \(docker pull r\.example\/a:1\)/,
  });
  while (source.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(IMAGE_TIMEOUT_MS - 1);
  assert.equal(images.pulls.length, 1);
  clock.advance(1);
  await resolving;
  assert.deepEqual(images.pulls, []);
});

test("registryOf: the host where the first part is one, else Docker Hub", () => {
  for (const [reference, registry] of [
    ["greeter", "docker.io"],
    ["team/greeter:1.0", "docker.io"],
    ["index.docker.io/team/greeter", "docker.io"],
    ["localhost/greeter", "localhost"],
    ["127.0.0.1:5000/greeter@sha256:0", "127.0.0.1:5000"],
    ["Registry.Example.com/a/b", "registry.example.com"],
    ["[::1]:5000/greeter", "[::1]:5000"],
    ["greeter:5000", "docker.io"],
  ] as const) {
    assert.equal(registryOf(reference), registry, reference);
  }
});
