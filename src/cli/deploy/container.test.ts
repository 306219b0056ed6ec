import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "yaml";
import { type PlatformUnderTest, withPlatform } from "../testing/platform-under-test.ts";

const IMAGE = "127.0.0.1:5000/greeter:1";

/** An s.yaml with one function that is an image. */
function template(platform: PlatformUnderTest, container: object | undefined, settings: object = {}): Promise<string> {
  const props = {
    service: { name: "demo" },
    function: { name: "f", runtime: "custom-container", caPort: 8089, customContainerConfig: container, ...settings },
    triggers: [{ name: "http", type: "http", config: { authType: "anonymous", methods: ["POST"] } }],
  };
  return platform.write(
    "s.yaml",
    stringify(
      { edition: "1.0.0", services: { one: { component: "fc", props } } },
      { defaultStringType: "QUOTE_DOUBLE" },
    ),
  );
}

test("deploy of an image needs no code, shows the pull, and info shows the image", () =>
  withPlatform(async (platform) => {
    const { images } = platform;
    images.ids.set(IMAGE, `sha256:${"ab".repeat(32)}`);
    const gate = Promise.withResolvers<void>();
    images.ready = gate.promise;
    const auth = { userName: "ada", password: "$" + "{env.PASSWORD}" };
    const command = '["/server", "-v"]';
    await template(platform, { image: IMAGE, command, registryConfig: { authConfig: auth } });
    let stderr = "";
    const told = Promise.withResolvers<void>();
    const write = (text: string) => {
      stderr += text;
      if (stderr.includes("Pulling")) told.resolve();
    };
    const running = platform.run(["deploy"], { env: { PASSWORD: "secret words" }, stderr: { write } });
    await told.promise;
    gate.resolve();
    assert.equal((await running).code, 0, stderr);
    assert.match(stderr, /^demo\/f: Pulling 127\.0\.0\.1:5000\/greeter:1$/m);
    assert.doesNotMatch(stderr, /secret|codeUri/);
    assert.deepEqual(images.requests[0]?.credentials, {
      username: "ada",
      password: "secret words",
      serverAddress: "127.0.0.1:5000",
    });
    const { body } = await platform.sdk.getFunction("demo", "f", {} as never);
    assert.equal(body?.customContainerConfig?.command, command);
    const info = await platform.run(["info"]);
    assert.match(info.stdout, /runtime custom-container, .*\n {2}image 127\.0\.0\.1:5000\/greeter:1 \(abababababab\)/);
    const { functions } = JSON.parse((await platform.run(["info", "--json"])).stdout);
    assert.deepEqual(functions[0].image, { reference: IMAGE, id: `sha256:${"ab".repeat(32)}` });
    assert.equal("codeChecksum" in functions[0], false);

    await template(platform, { image: IMAGE });
    assert.equal((await platform.run(["deploy"])).code, 0);
    assert.equal(images.requests[1]?.credentials, undefined, "what s.yaml does not say any more is gone");
    const after = await platform.sdk.getFunction("demo", "f", {} as never);
    assert.equal(after.body?.customContainerConfig?.command, "");
  }));

test("a pull that fails ends the deploy with the registry's words", () =>
  withPlatform(async (platform) => {
    await template(platform, { image: IMAGE });
    const { code, stderr } = await platform.run(["deploy"]);
    assert.equal(code, 1);
    assert.match(stderr, /customContainerConfig\.image: the image 127\.0\.0\.1:5000\/greeter:1 .*: manifest unknown/);
  }));

const refused: [what: string, container: object | undefined, settings: object, message: RegExp][] = [
  [
    "no image",
    undefined,
    {},
    /customContainerConfig: expected the image that runtime custom-container runs, got nothing/,
  ],
  [
    "an image without a reference",
    { command: "[]" },
    {},
    /customContainerConfig\.image: expected a value, got nothing/,
  ],
  [
    "an image for a program",
    { image: IMAGE },
    { runtime: "custom" },
    /s\.yaml:\d+: .*\.customContainerConfig: expected runtime custom-container with it, got runtime custom/,
  ],
  ["a command that is no list", { image: IMAGE, command: "/server -v" }, {}, /command: expected .* JSON list of texts/],
  ["a list of YAML's", { image: IMAGE, args: ["-v"] }, {}, /args: expected a text that holds a JSON list of texts/],
  [
    "half a login",
    { image: IMAGE, registryConfig: { authConfig: { userName: "a" } } },
    {},
    /password: expected a value/,
  ],
  ["a mistyped key", { image: IMAGE, comand: "[]" }, {}, /expected command, got comand/],
];
for (const [what, container, settings, message] of refused) {
  test(`${what} is refused by file, line and key before anything is sent`, () =>
    withPlatform(async (platform) => {
      await template(platform, container, settings);
      const { code, stderr } = await platform.run(["deploy"]);
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(platform.images.requests.length, 0);
    }));
}

test("keys that only a program has are told of", () =>
  withPlatform(async (platform) => {
    platform.images.ids.set(IMAGE, "sha256:a");
    await template(platform, { image: IMAGE }, { codeUri: "./code", customRuntimeConfig: { command: ["./a"] } });
    const { code, stderr } = await platform.run(["deploy"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /s\.yaml:\d+: .*\.codeUri: not sent, the image is the code/);
    assert.match(stderr, /customRuntimeConfig: means nothing to runtime custom-container: see customContainerConfig/);
  }));
