import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Delta, FunctionEntry, ImagePullsAnswer, Snapshot } from "../../model/model.ts";
import { IMAGES_AT_ONCE_MAX } from "../images/images.ts";
import { type ControlUnderTest, fc, openControl, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

const FUNCTION = "/2021-04-06/services/svc/functions/fn";
const REFERENCE = "127.0.0.1:5000/greeter:1";

/** Service `svc` with function `fn`, which is an image. */
async function createContainer(underTest: ControlUnderTest, container: object = {}, settings: object = {}) {
  if (!underTest.images.ids.has(REFERENCE)) underTest.images.ids.set(REFERENCE, "sha256:a");
  const customContainerConfig = new fc.CustomContainerConfig({ image: REFERENCE, ...container });
  return createFunction(underTest, {
    runtime: "custom-container",
    code: undefined,
    customContainerConfig,
    ...settings,
  });
}

/** As the official SDK would send it, with fields that it does not know. */
async function put({ control }: ControlUnderTest, body: object) {
  return send(control.apiPort, { method: "PUT", path: FUNCTION, body: JSON.stringify(body) });
}

function withLogin(underTest: ControlUnderTest, userName: string, password: string) {
  return put(underTest, { customContainerConfig: { registryConfig: { authConfig: { userName, password } } } });
}

function lastRevision({ main }: ControlUnderTest) {
  const entries = (main.last as Delta).put;
  return entries.find((each): each is FunctionEntry => each.kind === "function")?.revision;
}

function lastCredentials({ images }: ControlUnderTest) {
  return images.requests.at(-1)?.credentials;
}

const get = new fc.GetFunctionRequest({});

describe("functions that are images, through the official SDK", () => {
  test("the reference leads to an id at the write, and the id is what runs", () =>
    withControl(async (underTest) => {
      const { sdk, images } = underTest;
      const container = { command: '["/server"]', args: '["-v"]', webServerMode: true };
      const { body } = await createContainer(underTest, container, { caPort: 8089 });
      const { customContainerConfig: shown, ...rest } = body.toMap();
      assert.deepEqual({ ...shown }, { image: REFERENCE, accelerationType: "Default", instanceID: "", ...container });
      assert.deepEqual([rest["runtime"], rest["caPort"], rest["codeSize"]], ["custom-container", 8089, undefined]);
      assert.deepEqual((await sdk.getFunction("svc", "fn", get)).body.toMap(), body.toMap());
      const listed = await sdk.listFunctions("svc", new fc.ListFunctionsRequest({}));
      assert.deepEqual(listed.body.functions?.[0]?.toMap(), body.toMap());
      const image = { reference: REFERENCE, id: "sha256:a", command: ["/server"], args: ["-v"] };
      assert.deepEqual(lastRevision(underTest)?.image, image);
      assert.equal(images.requests.length, 1);
    }));

  test("an update changes what it names: other settings ask for no image, the same reference asks anew", () =>
    withControl(async (underTest) => {
      const { sdk, images } = underTest;
      await createContainer(underTest, { args: '["-v"]' });
      const first = lastRevision(underTest);
      images.ids.set(REFERENCE, "sha256:b");
      const update = (settings: object) => sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest(settings));
      await update({ memorySize: 1024 });
      assert.deepEqual(lastRevision(underTest)?.image, first?.image);
      await update({ customContainerConfig: new fc.CustomContainerConfig({ image: REFERENCE }) });
      assert.deepEqual(lastRevision(underTest)?.image, { reference: REFERENCE, id: "sha256:b", args: ["-v"] });
      const answer = await put(underTest, { customContainerConfig: { image: null, args: "" } });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(lastRevision(underTest)?.image, { reference: REFERENCE, id: "sha256:b" });
      assert.equal(images.requests.length, 3);
    }));

  test("a function goes from package to image and back, and needs the other's code each time", () =>
    withControl(async (underTest) => {
      const { sdk, images } = underTest;
      images.ids.set("greeter", "sha256:a");
      await createFunction(underTest);
      const update = (settings: object) => sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest(settings));
      await assert.rejects(update({ runtime: "custom-container" }), {
        code: "InvalidArgument",
        message: /customContainerConfig\.image: expected the reference of an image, .* got nothing/,
      });
      const customContainerConfig = new fc.CustomContainerConfig({ image: "greeter" });
      const { body } = await update({ runtime: "custom-container", customContainerConfig });
      assert.deepEqual([body.codeChecksum, body.customContainerConfig?.image], [undefined, "greeter"]);
      await assert.rejects(update({ runtime: "custom" }), { message: /code: expected an object with zipFile/ });
      const back = await update({ runtime: "custom", code: codeOf() });
      assert.equal(back.body.customContainerConfig, undefined);
      assert.equal(typeof back.body.codeChecksum, "string");
      assert.equal(lastRevision(underTest)?.image, undefined);
    }));

  test("a published version keeps its image, also where the same reference leads elsewhere; rollback goes back to it", () =>
    withControl(async (underTest) => {
      const { control, images, sdk } = underTest;
      await createContainer(underTest);
      await publish(underTest);
      images.ids.set(REFERENCE, "sha256:b");
      await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.equal(lastRevision(underTest)?.image?.id, "sha256:b");
      const path = "/sluice/v1/services/svc/rollback";
      const { status } = await send(control.apiPort, { method: "POST", path, body: "{}" });
      assert.equal(status, 200);
      assert.equal(lastRevision(underTest)?.image?.id, "sha256:a");
      const ofVersion = await sdk.getFunction("svc", "fn", new fc.GetFunctionRequest({ qualifier: "1" }));
      assert.equal(ofVersion.body.customContainerConfig?.image, REFERENCE);
    }));

  const refused: [what: string, container: object, message: RegExp][] = [
    ["a job", { webServerMode: false }, /webServerMode: expected true \(this version .* no jobs .*\), got false/],
    ["a command that is no list", { command: "/server -v" }, /command: expected a text that holds a JSON list/],
    ["a list with a number", { args: "[1]" }, /customContainerConfig\.args: expected a text that holds a JSON list/],
    ["an acceleration", { accelerationType: "Fast" }, /accelerationType: expected one of Default, None/],
    ["a long reference", { image: "a".repeat(513) }, /image: expected a text of at most 512 characters/],
    ["no reference", { image: "" }, /customContainerConfig\.image: expected the reference of an image/],
    ["an image that is nowhere", { image: "none" }, /customContainerConfig\.image: the image none .* manifest unknown/],
  ];
  for (const [what, container, message] of refused) {
    test(`${what} is refused by field, rule and value, and nothing is kept`, () =>
      withControl(async (underTest) => {
        await assert.rejects(createContainer(underTest, container), { code: "InvalidArgument", message });
        await assert.rejects(underTest.sdk.getFunction("svc", "fn", get), { code: "FunctionNotFound" });
      }));
  }

  test("without container engine the answer says so and what to do", () =>
    withControl(async (underTest) => {
      const error = Object.assign(new Error("there is no container engine: start one"), { name: "NoEngineError" });
      underTest.images.failure = error;
      await assert.rejects(createContainer(underTest), {
        code: "ServiceUnavailable",
        message: /Functions that are images need a container engine, and there is no container engine: start one/,
      });
    }));
});

test("after a restart an image is what it was, and code packages beside it are swept as before", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "sluice-control-"));
  try {
    const first = await openControl(dataDir);
    const { body } = await createContainer(first);
    const revision = lastRevision(first);
    const request = { functionName: "other", runtime: "custom", code: codeOf() };
    await first.sdk.createFunction("svc", new fc.CreateFunctionRequest(request));
    await first.sdk.updateFunction("svc", "other", new fc.UpdateFunctionRequest({ code: codeOf("2") }));
    await first.control.close();

    const second = await openControl(dataDir);
    const snapshot = second.main.received[0] as Snapshot;
    const entries = snapshot.entries.filter((entry): entry is FunctionEntry => entry.kind === "function");
    assert.deepEqual(entries.find(({ function: key }) => key === "svc/fn")?.revision, revision);
    assert.deepEqual((await second.sdk.getFunction("svc", "fn", get)).body.toMap(), body.toMap());
    assert.equal((await readdir(join(dataDir, "code"))).length, 2);
    assert.equal(second.images.requests.length, 0);
    await second.control.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

describe("while an image is pulled", () => {
  /** The function with a pull that goes on until `finish`. */
  async function pulling(underTest: ControlUnderTest) {
    await createContainer(underTest);
    const gate = Promise.withResolvers<void>();
    underTest.images.ready = gate.promise;
    const answer = put(underTest, { customContainerConfig: { image: REFERENCE, args: '["-v"]' } });
    // Listed before the engine is asked.
    while (underTest.images.requests.length < 2) await pullsOf(underTest);
    underTest.images.ready = Promise.resolve();
    return { answer, finish: gate.resolve };
  }

  async function pullsOf({ control }: ControlUnderTest) {
    const { json } = await send(control.apiPort, { path: "/sluice/v1/image-pulls" });
    return (json() as unknown as ImagePullsAnswer).pulls;
  }

  test("other functions are written, and the pull is told with its progress until it ends", () =>
    withControl(async (underTest) => {
      const { answer, finish } = await pulling(underTest);
      const [{ startedAt, ...pull } = { startedAt: 0 }] = await pullsOf(underTest);
      assert.deepEqual(pull, {
        serviceName: "svc",
        functionName: "fn",
        image: REFERENCE,
        progress: `Pulling ${REFERENCE}`,
      });
      assert.ok(Math.abs(Date.now() - startedAt) < 60_000);
      const other = new fc.CreateFunctionRequest({ functionName: "other", runtime: "custom", code: codeOf() });
      await underTest.sdk.createFunction("svc", other);
      finish();
      assert.equal((await answer).status, 200);
      assert.deepEqual(await pullsOf(underTest), []);
      assert.deepEqual(lastRevision(underTest)?.image?.args, ["-v"]);
    }));

  test("another update of the same function's image wins over the one that waits, which is told", () =>
    withControl(async (underTest) => {
      const { answer, finish } = await pulling(underTest);
      assert.equal((await put(underTest, { memorySize: 1024 })).status, 200);
      underTest.images.ids.set("other", "sha256:c");
      assert.equal((await put(underTest, { customContainerConfig: { image: "other" } })).status, 200);
      finish();
      const { status, json } = await answer;
      assert.deepEqual([status, json()["Code"]], [409, "ConcurrentUpdateError"]);
      const { body } = await underTest.sdk.getFunction("svc", "fn", get);
      assert.deepEqual([body.customContainerConfig?.image, body.memorySize], ["other", 1024]);
    }));

  test(`${IMAGES_AT_ONCE_MAX} at once, then a refusal until one is there`, () =>
    withControl(async (underTest) => {
      await createContainer(underTest);
      const gate = Promise.withResolvers<void>();
      underTest.images.ready = gate.promise;
      const write = () => put(underTest, { customContainerConfig: { image: REFERENCE } });
      const writes = Array.from({ length: IMAGES_AT_ONCE_MAX }, write);
      while ((await pullsOf(underTest)).length < IMAGES_AT_ONCE_MAX);
      const { status, json } = await write();
      assert.deepEqual([status, json()["Code"]], [503, "ResourceThrottled"]);
      gate.resolve();
      for (const each of writes) assert.equal((await each).status, 200);
      assert.equal((await write()).status, 200);
    }));

  test("Sluice stops without waiting for it", () =>
    withControl(async (underTest) => {
      const { answer } = await pulling(underTest);
      const ended = assert.rejects(answer);
      await underTest.control.close();
      await ended;
      assert.equal(underTest.images.isClosed, true);
    }));
});

describe("credentials for the registry", () => {
  const secret = "correct horse battery staple";
  const sent = (username: string, password: string, serverAddress = "127.0.0.1:5000") => ({
    username,
    password,
    serverAddress,
  });

  async function everythingStored({ dataDir, store }: ControlUnderTest): Promise<string> {
    const documents = await store.changesSince(0);
    const file = await readFile(join(dataDir, "state.db-wal"), "latin1").catch(() => "");
    return JSON.stringify(documents) + file + (await readFile(join(dataDir, "state.db"), "latin1"));
  }

  test("go to the registry, are kept for the next write, and are neither answered nor stored as they are", () =>
    withControl(async (underTest) => {
      const { dataDir, images } = underTest;
      await createContainer(underTest);
      assert.equal(lastCredentials(underTest), undefined);
      const answer = await withLogin(underTest, "ada", secret);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(lastCredentials(underTest), sent("ada", secret));
      await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.deepEqual(lastCredentials(underTest), sent("ada", secret));

      const { text } = await send(underTest.control.apiPort, { path: FUNCTION });
      assert.doesNotMatch(text + answer.text, /staple|ada|sealed|registryConfig/);
      assert.doesNotMatch(await everythingStored(underTest), /staple/);
      assert.equal((await stat(join(dataDir, "registry-credentials.key"))).mode & 0o777, 0o600);

      images.ids.set("other.example/greeter", "sha256:b");
      await put(underTest, { customContainerConfig: { image: "other.example/greeter" } });
      assert.equal(lastCredentials(underTest), undefined, "no other registry gets them");
      await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.equal(lastCredentials(underTest), undefined);
    }));

  test("the same ones again change nothing, so that a rollback finds nothing to go back from; empty ones take them away", () =>
    withControl(async (underTest) => {
      await createContainer(underTest);
      await withLogin(underTest, "ada", secret);
      const id = lastRevision(underTest)?.id;
      await publish(underTest);
      await withLogin(underTest, "ada", secret);
      assert.equal(lastRevision(underTest)?.id, id);
      const path = "/sluice/v1/services/svc/rollback";
      const rollback = await send(underTest.control.apiPort, { method: "POST", path, body: "{}" });
      assert.equal(rollback.json()["Code"], "NothingToRollBackTo");
      await withLogin(underTest, "", "");
      assert.equal(lastCredentials(underTest), undefined);
    }));

  test("in part, or as what they cannot be, are refused without being repeated", () =>
    withControl(async (underTest) => {
      await createContainer(underTest);
      const missing = await withLogin(underTest, "", secret);
      assert.match(missing.text, /registryConfig\.authConfig\.userName: expected a text beside the other, got none/);
      for (const customContainerConfig of [
        { registryConfig: secret },
        { registryConfig: { authConfig: [secret] } },
        { registryConfig: { authConfig: { userName: "ada", password: [secret] } } },
        JSON.stringify({ registryConfig: { authConfig: { password: secret } } }),
      ]) {
        const { status, text } = await put(underTest, { customContainerConfig });
        assert.equal(status, 400);
        assert.match(text, /customContainerConfig.*expected .*not repeated here/);
        assert.doesNotMatch(text, /staple/);
      }
    }));

  test("of another key say what to do, and new ones take their place", () =>
    withControl(async (underTest) => {
      const { dataDir } = underTest;
      await createContainer(underTest);
      await withLogin(underTest, "ada", secret);
      const stored = (await underTest.store.changesSince(0)).map((each) => JSON.stringify(each)).join("");
      const sealed = /"sealedCredentials":"([^"]+)"/.exec(stored)?.[1] ?? "";
      const { CredentialVault } = await import("../images/credential-vault.ts");
      const { Vault } = await import("../vault.ts");
      const same = new CredentialVault(new Vault(join(dataDir, "registry-credentials.key")));
      assert.deepEqual(await same.open(sealed, "127.0.0.1:5000"), { userName: "ada", password: secret });
      const other = new CredentialVault(new Vault(join(dataDir, "other.key")));
      const refusal = { code: "InvalidArgument", message: /cannot be decrypted .*other\.key: send .*authConfig again/ };
      await assert.rejects(other.open(sealed, "127.0.0.1:5000"), refusal);
      await assert.rejects(same.open(sealed, "other.example"), { code: "InvalidArgument" });
      await assert.rejects(same.open(`${sealed.slice(0, -8)}AAAAAAAA`, "127.0.0.1:5000"), { code: "InvalidArgument" });
      await writeFile(join(dataDir, "short.key"), "c2hvcnQ=\n");
      const damaged = new CredentialVault(new Vault(join(dataDir, "short.key")));
      await assert.rejects(
        damaged.seal({ userName: "a", password: "b" }, "r"),
        /short\.key is damaged: it must hold 32/,
      );
    }));

  test("of 'docker login' serve where none are given, read anew each time", () =>
    withControl(async (underTest) => {
      const { dataDir, images } = underTest;
      images.ids.set("greeter", "sha256:c");
      await createContainer(underTest);
      await mkdir(join(dataDir, "docker"));
      const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });
      const write = (config: object | string) =>
        writeFile(join(dataDir, "docker", "config.json"), typeof config === "string" ? config : JSON.stringify(config));
      await write({
        auths: { "127.0.0.1:5000": auth("bob:with:colon"), "https://index.docker.io/v1/": auth("hub:p") },
      });
      await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.deepEqual(lastCredentials(underTest), sent("bob", "with:colon"));
      await put(underTest, { customContainerConfig: { image: "greeter" } });
      assert.deepEqual(lastCredentials(underTest), sent("hub", "p", "docker.io"));
      await put(underTest, { customContainerConfig: { image: REFERENCE } });
      await withLogin(underTest, "ada", secret);
      assert.deepEqual(lastCredentials(underTest), sent("ada", secret));
      await withLogin(underTest, "", "");

      await write({ auths: { "127.0.0.1:5000": {} }, credsStore: "desktop" });
      images.failure = new Error("pull access denied");
      const denied = await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.match(
        denied.text,
        /pull access denied\. 'docker login' keeps the password in the credential helper desktop/,
      );
      await write("{ staple");
      const broken = await put(underTest, { customContainerConfig: { image: REFERENCE } });
      assert.match(broken.text, /cannot be read from .*config\.json: it is not JSON\. Mend the file/);
      assert.doesNotMatch(broken.text, /staple/);
    }));
});
