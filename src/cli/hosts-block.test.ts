import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostsLines, withHostsBlock } from "./hosts-block.ts";

test("hostsLines gives each host once, sorted", () => {
  assert.deepEqual(hostsLines("127.0.0.1", ["b", "a", "b"]), ["127.0.0.1 a", "127.0.0.1 b"]);
});

test("withHostsBlock replaces its own block and nothing else", () => {
  const first = withHostsBlock("127.0.0.1 localhost\n", ["127.0.0.1 a"]);
  const between = `${first}10.0.0.1 later\n`;
  const second = withHostsBlock(between, ["127.0.0.1 b"]);
  assert.match(second, /localhost\n10\.0\.0\.1 later\n# begin [^\n]*\n127\.0\.0\.1 b\n# end /);
  assert.ok(!second.includes("127.0.0.1 a"));
  assert.equal(withHostsBlock(second, []), "127.0.0.1 localhost\n10.0.0.1 later\n");
});

test("withHostsBlock removes only its first line where the end of the block is lost", () => {
  const block = withHostsBlock("", ["127.0.0.1 a"]);
  const damaged = `${block.split("\n").slice(0, 2).join("\n")}\n10.0.0.1 other\n`;
  assert.equal(withHostsBlock(damaged, []), "127.0.0.1 a\n10.0.0.1 other\n");
});

test("withHostsBlock gives back any file whose lines end, once its block is removed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string().filter((line) => !line.includes("\n"))),
      fc.array(fc.domain(), { minLength: 1 }),
      (lines, hosts) => {
        const content = lines.map((line) => `${line}\n`).join("");
        const written = withHostsBlock(content, hostsLines("127.0.0.1", hosts));
        assert.equal(withHostsBlock(written, []), content);
        assert.equal(withHostsBlock(written, hostsLines("127.0.0.1", hosts)), written);
      },
    ),
  );
});
