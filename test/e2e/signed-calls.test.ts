/** A function that asks for signed calls, called by the examples' real clients in three languages and by `sluice invoke`. */
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { goMissing, missingPart, testPrograms } from "../support/clients.ts";
import { type CommandResult, type Info, runCommand, Sluice } from "../support/sluice.ts";

const root = resolve(import.meta.dirname, "..", "..");
const SERVICE = "grpc-demo";
const FUNCTION = "golang-grpc";
const KEY = `${SERVICE}/${FUNCTION}`;
const GREETING = ["invoke", KEY, "helloworld.Greeter/SayHello", "-d", '{"name":"world"}', "--json"];

describe("signed calls", { skip: goMissing }, () => {
  let folder: string;
  let sluice: Sluice;
  let info: Info;
  let printed: string;
  let flags: readonly string[];

  before(async () => {
    await testPrograms();
    folder = await mkdtemp(join(tmpdir(), "sluice-signed-"));
    const example = join(folder, "golang-greeter");
    await cp(join(root, "examples", "golang-greeter"), example, { recursive: true });
    const file = join(example, "s.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("authType: anonymous", "authType: function"));
    sluice = await Sluice.start();
    printed = await sluice.ok(["deploy", "-t", file, "-y"]);
    info = await sluice.info(SERVICE, FUNCTION);
    flags = sluice.clientFlags(info);
  });

  after(async () => {
    await sluice?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  /** What `sluice env` prints of the key, for a client. */
  async function keyOf(change: NodeJS.ProcessEnv = {}): Promise<NodeJS.ProcessEnv> {
    const { ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET } = JSON.parse(
      await sluice.ok(["env", "--json"]),
    );
    return { ...process.env, ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ...change };
  }

  async function nodeClient(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
    return runCommand(process.execPath, [join(root, "examples", "node-greeter", "client.js"), ...flags, ...args], {
      env,
    });
  }

  const hello = ["-only", "hello"];

  test("a call that is not signed, or not rightly, gets UNAUTHENTICATED with the reason, and starts no instance", async () => {
    const refused: [what: string, call: Promise<CommandResult>, why: RegExp][] = [
      [
        "unsigned",
        nodeClient(hello, process.env),
        /16 UNAUTHENTICATED: .*grpc-demo\/golang-grpc asks for signed calls.*authorization was not specified/,
      ],
      [
        "with a wrong secret",
        nodeClient([...hello, "-sign"], await keyOf({ ALIBABA_CLOUD_ACCESS_KEY_SECRET: "guessed" })),
        /16 UNAUTHENTICATED: .*The signature is not that of this request/,
      ],
      [
        "with an unknown key",
        nodeClient([...hello, "-sign"], await keyOf({ ALIBABA_CLOUD_ACCESS_KEY_ID: "nobody" })),
        /16 UNAUTHENTICATED: .*invalid access key ID 'nobody'/,
      ],
    ];
    for (const [what, call, why] of refused) {
      const { code, stderr } = await call;
      assert.equal(code, 1, what);
      assert.match(stderr, why, what);
    }
    assert.deepEqual((await sluice.info(SERVICE, FUNCTION)).instances, []);
    assert.deepEqual(
      (await sluice.logs(KEY)).filter(({ source }) => source === "call"),
      [],
    );
  });

  test("the commands that a deploy prints sign, and work as they stand", async () => {
    assert.match(printed, /calls must be signed/);
    const commands = printed.split("\n").filter((line) => /^ {2}(\(eval|[a-z])/.test(line));
    assert.equal(commands.length, 2, printed);
    for (const command of commands) {
      const env = { ...process.env, SLUICE_DATA: sluice.dataDir };
      const result = await runCommand("sh", ["-c", command], { cwd: root, env });
      assert.equal(result.code, 0, `${command}\n${result.stdout}${result.stderr}`);
      assert.match(result.stdout, /Hello world/, command);
    }
  });

  test("all kinds of calls are signed by Node.js, each for its own method", async () => {
    const { code, stdout, stderr } = await nodeClient(["-sign"], await keyOf());
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split("\n").length, 4);
  });

  test("and by Python", async (t) => {
    const { pythonClient, pythonMissing } = await testPrograms();
    const missing = missingPart(pythonMissing);
    if (missing || pythonClient === undefined) {
      t.skip(String(missing));
      return;
    }
    const [python] = pythonClient.command;
    const client = join(root, "examples", "python-greeter", "client.py");
    const { code, stdout, stderr } = await runCommand(python, [client, ...flags, "-sign"], { env: await keyOf() });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split("\n").length, 4);
  });

  test("x-fc-* metadata is signed with the call and kept from the function; another authorization is left alone", async () => {
    const traced = await sluice.cli([...GREETING, "-H", "x-fc-trace-id: t1", "-H", "x-own: kept"]);
    assert.equal(traced.code, 0, traced.stderr + traced.stdout);
    const own = await sluice.cli([...GREETING, "-H", "authorization: Bearer x"]);
    assert.equal(own.code, 1);
    assert.equal(JSON.parse(own.stdout).status.name, "UNAUTHENTICATED");
  });

  test("another key signs until it is disabled, at once", async () => {
    const { accessKeyId, accessKeySecret } = JSON.parse(await sluice.ok(["keys", "create", "--json"]));
    const other = { SLUICE_ACCESS_KEY_ID: accessKeyId, SLUICE_ACCESS_KEY_SECRET: accessKeySecret };
    const env = await keyOf({
      ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
    });
    assert.equal((await nodeClient([...hello, "-sign"], env)).code, 0);
    assert.equal((await sluice.cli(GREETING, other)).code, 0);
    await sluice.ok(["keys", "disable", accessKeyId]);
    const refused = await nodeClient([...hello, "-sign"], env);
    assert.match(refused.stderr, /16 UNAUTHENTICATED: .*invalid access key ID/);
    const asked = await sluice.cli(["keys", "list"], other);
    assert.match(asked.stderr, /invalid access key ID/);
    assert.equal((await nodeClient([...hello, "-sign"], await keyOf())).code, 0);
  });
});
