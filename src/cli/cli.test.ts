import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "./registry.ts";
import { runCommand } from "./testing/run-command.ts";

test("runCli suggests for an unknown command and exits 2", async () => {
  const { code, stdout, stderr } = await runCommand(["depoly"]);
  assert.deepEqual([code, stdout, stderr], [2, "", "sluice: unknown command 'depoly' (Did you mean deploy?)\n"]);
});

test("runCli exits 2 in one line for unknown options, missing arguments and values that do not fit", async () => {
  for (const [args, complaint] of [
    [["info", "--jsno"], /unknown option '--jsno' \(Did you mean --json\?\)/],
    [["invoke", "a/b"], /missing required argument 'method'/],
    [["invoke", "a/b", "M", "-d", "{"], /-d: expected JSON, got \{/],
    [["start", "--grpc-port", "70000"], /expected a whole number from 0 to 65535, got "70000"/],
    [["start", "--drain-timeout", "soon"], /expected a duration such as 30s, 500ms or 2m, got "soon"/],
    [["start", "--isolation", "vm"], /expected one of auto, sandbox, container, process, got "vm"/],
    [["hosts", "--write", "--remove"], /expected --write or --remove, got both/],
  ] as const) {
    const { code, stdout, stderr } = await runCommand(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, complaint);
    assert.match(stderr, /^sluice: [^\n]*\n$/);
  }
});

test("runCli prints help and version on stdout with exit code 0", async () => {
  for (const args of [["--help"], [], ["--version"], ...commands.map(({ name }) => [name, "--help"])]) {
    const { code, stdout, stderr } = await runCommand(args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    assert.notEqual(stdout, "");
  }
});

test("every command has a summary of one line and a name that no other has", () => {
  assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length);
  for (const { summary } of commands) assert.match(summary, /^[a-z][^\n]{10,80}$/);
});

test("runCli shows the stack only where SLUICE_DEBUG=1", async () => {
  const plain = await runCommand(["info"]);
  assert.match(plain.stderr, /^sluice: [^\n]*\n$/);
  const debug = await runCommand(["info"], { env: { SLUICE_DEBUG: "1" } });
  assert.match(debug.stderr, /\n {4}at /);
});
