import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { callCommands, shellQuote } from "./call-commands.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");
const TARGET = {
  host: "f-s-abc.local.fcapp.localhost",
  port: 8089,
  grpcAddress: "127.0.0.1:8089",
  caFile: "/data/ca.pem",
  resolves: false,
  function: "s/f",
  sluiceCommand: "sluice",
  mustSign: false,
};

test("callCommands dials the endpoint and names the host where the name leads nowhere", () => {
  assert.deepEqual(
    callCommands({ ...TARGET, exampleDir: join(EXAMPLES, "golang-greeter") }).map(({ command }) => command),
    [
      `cd ${join(EXAMPLES, "golang-greeter")} && go run ./greeter_client -addr 127.0.0.1:8089 -authority f-s-abc.local.fcapp.localhost -cafile /data/ca.pem`,
      `sluice invoke s/f helloworld.Greeter/SayHello -d '{"name":"world"}'`,
      `grpcurl -cacert /data/ca.pem -authority f-s-abc.local.fcapp.localhost -d '{"name":"world"}' 127.0.0.1:8089 helloworld.Greeter/SayHello`,
    ],
  );
});

test("callCommands is plain where the name leads to this machine, and names another port than 8089", () => {
  const exampleDir = join(EXAMPLES, "node-greeter");
  const plain = callCommands({ ...TARGET, resolves: true, exampleDir, caFile: undefined });
  assert.match(plain[0]?.command ?? "", / && node client\.js -addr f-s-abc\.local\.fcapp\.localhost$/);
  const other = callCommands({ ...TARGET, resolves: true, exampleDir, port: 9999 });
  assert.match(other[0]?.command ?? "", / -addr f-s-abc\.local\.fcapp\.localhost:9999 -cafile \/data\/ca\.pem$/);
  assert.match(other[2]?.command ?? "", / f-s-abc\.local\.fcapp\.localhost:9999 helloworld\.Greeter\/SayHello$/);
});

test("callCommands lists methods where the function is no example", (t) => {
  const expected = [
    "sluice invoke s/f METHOD -d '{}'",
    "grpcurl -cacert /data/ca.pem -authority f-s-abc.local.fcapp.localhost 127.0.0.1:8089 list",
  ];
  assert.deepEqual(
    callCommands(TARGET).map(({ command }) => command),
    expected,
  );
  const folder = mkdtempSync(join(tmpdir(), "sluice-example-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "greeter_client"));
  writeFileSync(join(folder, "greeter_client", "main.go"), "package main // another client, with other flags\n");
  assert.deepEqual(
    callCommands({ ...TARGET, exampleDir: folder }).map(({ command }) => command),
    expected,
  );
});

test("callCommands leads only to clients that sign where calls must be signed", () => {
  const signing = { ...TARGET, mustSign: true };
  assert.deepEqual(
    callCommands(signing).map(({ command }) => command),
    ["sluice invoke s/f METHOD -d '{}'"],
  );
  const commands = callCommands({ ...signing, exampleDir: join(EXAMPLES, "node-greeter"), caFile: undefined });
  assert.deepEqual(
    commands.map(({ command }) => command),
    [
      `(eval "$(sluice env)"; cd ${join(EXAMPLES, "node-greeter")} && node client.js -addr 127.0.0.1:8089 -authority f-s-abc.local.fcapp.localhost -sign)`,
      `sluice invoke s/f helloworld.Greeter/SayHello -d '{"name":"world"}'`,
    ],
  );
});

test("shellQuote gives words that a shell reads back unchanged", () => {
  const shown = (text: string) => execFileSync("sh", ["-c", `printf %s ${shellQuote(text)}`], { encoding: "utf8" });
  assert.equal(shown('it\'s $HOME `x` "y"\n\\'), 'it\'s $HOME `x` "y"\n\\');
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      (text) => {
        assert.equal(shown(text), text);
      },
    ),
    { numRuns: 50 },
  );
});
