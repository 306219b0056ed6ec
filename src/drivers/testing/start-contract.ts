import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { sleep, systemClock } from "../../base/base.ts";
import { StartError, type StartSpec } from "../driver.ts";
import type { ContractContext } from "./driver-contract.ts";
import { Dialogue } from "./test-function.ts";

/** An ELF header for a 64-bit little-endian program of `machine`, and nothing else. */
function elfFor(machine: number): Buffer {
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  return header;
}

export function startContract(context: ContractContext): void {
  const failStart = async (changes: Partial<StartSpec>): Promise<StartError> => {
    const instance = context.driver.start(context.home.spec(changes));
    const error = await instance.listening.then(
      () => assert.fail("it listens"),
      (reason: unknown) => reason,
    );
    await instance.exited;
    await assert.rejects(instance.connect());
    assert.ok(error instanceof StartError, String(error));
    assert.equal(typeof error.stderrTail, "string");
    return error;
  };
  const assertFault = (error: StartError, errorType: string, message: RegExp): void => {
    assert.equal(error.errorType, errorType, error.message);
    assert.match(error.message, message);
  };

  describe("start", () => {
    test("start: listens, and connect works more than once", async () => {
      const instance = context.driver.start(context.home.spec());
      await instance.listening;
      const [first, second] = await Promise.all([Dialogue.open(instance), Dialogue.open(instance)]);
      assert.equal((await first.ask({ do: "info" }))["uid"], (await second.ask({ do: "info" }))["uid"]);
      instance.destroy();
      await instance.exited;
      await assert.rejects(instance.connect());
    });

    test("connect: what the program says first arrives, and what is said to it", async () => {
      const greeter = `#!/usr/bin/env node
        require("node:net").createServer((socket) => { socket.write("hello "); socket.on("error", () => {});
          socket.on("data", (data) => socket.end(data)); }).listen(process.env.FC_SERVER_PORT);`;
      const codeDir = await context.home.package("greeter", { bootstrap: greeter });
      const instance = context.driver.start(context.home.spec({ codeDir }));
      await instance.listening;
      const said = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const stream = await instance.connect();
          // Time in which a reader that is not the last would take it away.
          await sleep(systemClock, index);
          stream.end(`number ${index}`);
          return await text(stream);
        }),
      );
      assert.deepEqual(
        said,
        said.map((_, index) => `hello number ${index}`),
      );
      instance.destroy();
      await instance.exited;
    });

    test("start: the environment arrives byte for byte, with port, path and home, and nothing of ours", async () => {
      process.env["SLUICE_TEST_SECRET"] = "ours";
      const given = { QUOTED: `a 'b' "c" $HOME \`d\` \\`, LINES: "one\ntwo\nEND", IFS: "x", "odd-name": "é 中" };
      const instance = context.driver.start(context.home.spec({ environment: given }));
      await instance.listening;
      const info = await (await Dialogue.open(instance)).ask({ do: "info" });
      const env = info["env"] as Record<string, string>;
      for (const [name, value] of Object.entries(given)) assert.equal(env[name], value);
      assert.equal(env["FC_SERVER_PORT"], env["PORT"]);
      assert.equal(env["FC_SERVER_PORT"], env["FC_CUSTOM_LISTEN_PORT"]);
      if (context.driver.capabilities.ownNetwork) assert.equal(env["PORT"], "9000");
      assert.equal(env["HOME"], "/tmp");
      assert.equal(env["SLUICE_TEST_SECRET"], undefined);
      assert.equal(`${info["cwd"]}/bootstrap`, info["main"]);
      instance.destroy();
      await instance.exited;
    });

    test("start: a command with arguments, by its path under /code", async () => {
      const command = ["/code/bootstrap", "two words", "$x", "/code/file"];
      const instance = context.driver.start(context.home.spec({ command, hasCommand: true }));
      await instance.listening;
      const info = await (await Dialogue.open(instance)).ask({ do: "info" });
      const [first, second, third] = info["arguments"] as string[];
      assert.deepEqual([first, second, third], ["two words", "$x", `${info["cwd"]}/file`]);
      instance.destroy();
      await instance.exited;
    });

    test("start: a program of PATH, with a file of the package", async () => {
      const instance = context.driver.start(context.home.spec({ command: ["node", "bootstrap"], hasCommand: true }));
      await instance.listening;
      instance.destroy();
      await instance.exited;
    });

    test("start: several instances with one caPort", async () => {
      const instances = [1, 2, 3].map(() => context.driver.start(context.home.spec()));
      await Promise.all(instances.map((instance) => instance.listening));
      const dialogues = await Promise.all(instances.map((instance) => Dialogue.open(instance)));
      const infos = await Promise.all(dialogues.map((dialogue) => dialogue.ask({ do: "info" })));
      const ids = infos.map((info) => (info["env"] as Record<string, string>)["FC_INSTANCE_ID"]);
      assert.deepEqual(
        ids,
        instances.map((instance) => instance.id),
      );
      for (const instance of instances) instance.destroy();
      await Promise.all(instances.map((instance) => instance.exited));
    });

    test("start fault: no bootstrap", async () => {
      const codeDir = await context.home.package("empty", {});
      assertFault(await failStart({ codeDir }), "CAFileNotFound", /test\/program has no file bootstrap/);
    });

    test("start fault: a configured command that is not there, in the package and in PATH", async () => {
      const inPackage = await failStart({ command: ["./absent"], hasCommand: true });
      assertFault(inPackage, "CAFileNotFound", /no file \.\/absent/);
      const inPath = await failStart({ command: ["absent-program"], hasCommand: true });
      assertFault(inPath, "CAFileNotFound", /absent-program .* is not installed/);
    });

    test("start fault: not executable, or a folder", async () => {
      const codeDir = await context.home.package("closed", { bootstrap: "#!/bin/sh\n" }, 0o644);
      assertFault(await failStart({ codeDir }), "CAFilePermission", /not executable/);
      assertFault(await failStart({ command: ["/code/"], hasCommand: true }), "CAFilePermission", /folder/);
    });

    test("start fault: made for another CPU or system", async () => {
      const riscV = await context.home.package("riscv", { bootstrap: elfFor(243) });
      assertFault(await failStart({ codeDir: riscV }), "CAExited", /another CPU: RISC-V/);
      const windows = await context.home.package("windows", { bootstrap: "MZ\x90\0" });
      assertFault(await failStart({ codeDir: windows }), "CAExited", /another system: Windows/);
    });

    test("start fault: a script without #!, with a missing interpreter, with Windows line ends", async () => {
      const plain = await context.home.package("plain", { bootstrap: "echo hello\n" });
      assertFault(await failStart({ codeDir: plain }), "CAExited", /first line begins with #!/);
      const absent = await context.home.package("absent", { bootstrap: "#!/opt/absent/python\n" });
      assertFault(await failStart({ codeDir: absent }), "CAExited", /names \/opt\/absent\/python/);
      const windows = await context.home.package("crlf", { bootstrap: "#!/bin/sh\r\necho\r\n" });
      assertFault(await failStart({ codeDir: windows }), "CAExited", /Windows line end/);
    });

    test("start fault: exits before it listens, with code and last words", async () => {
      const error = await failStart({ environment: { BEHAVIOUR: "exit" } });
      assertFault(error, "CAExited", /exited with code 3 before it listened on port 9000/);
      assert.match(error.stderrTail, /about to exit/);
    });

    test("start fault: does not listen within the limit", async () => {
      const error = await failStart({ environment: { BEHAVIOUR: "idle" }, startLimitMs: 400 });
      assertFault(error, "FunctionNotStarted", /did not listen within 0\.4 s/);
    });

    test("start fault: listens on another port, said long before the limit", async () => {
      const startedAt = systemClock.nowMs();
      const error = await failStart({ environment: { BEHAVIOUR_PORT: "50051" } });
      assertFault(error, "FunctionNotStarted", /listens on 50051, but caPort is \d+/);
      assert.ok(systemClock.nowMs() - startedAt < 10_000);
    });

    test("start fault: listens on loopback only", async () => {
      const error = await failStart({ environment: { BEHAVIOUR_HOST: "127.0.0.1" } });
      assertFault(error, "FunctionNotStarted", /listens on 127\.0\.0\.1:\d+ only: listen on 0\.0\.0\.0/);
    });

    test("start: a function that listens on caPort and ignores FC_SERVER_PORT is told what to do", async (t) => {
      if (context.driver.capabilities.ownNetwork) {
        t.skip("caPort is the port there");
        return;
      }
      const error = await failStart({ caPort: 19_183, environment: { BEHAVIOUR_PORT: "19183" } });
      assertFault(error, "FunctionNotStarted", /listens on caPort 19183, .*FC_SERVER_PORT.*--grpc-port/s);
    });
  });
}
