import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { programKind, readProgramFile } from "./program-file.ts";

test("readProgramFile: this Node.js is a program of this system", () => {
  const kind = readProgramFile(process.execPath);
  assert.equal(kind.kind, process.platform === "darwin" ? "macho" : "elf");
});

test("programKind: scripts, by their first line", () => {
  assert.deepEqual(programKind(Buffer.from("#!/bin/sh\n")), { kind: "script", interpreter: "/bin/sh" });
  assert.deepEqual(programKind(Buffer.from("#! \t/usr/bin/env -S node x\n")), {
    kind: "script",
    interpreter: "/usr/bin/env",
  });
  assert.deepEqual(programKind(Buffer.from("#!/bin/sh\r\n")), { kind: "script", interpreter: "/bin/sh\r" });
  assert.deepEqual(programKind(Buffer.from("echo\n")), { kind: "unknown" });
  assert.deepEqual(programKind(Buffer.alloc(0)), { kind: "unknown" });
});

test("programKind: any bytes have a kind, also behind an ELF magic number", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isElf) => {
      const head = Buffer.concat([Buffer.from(isElf ? "\x7fELF\x02\x01\x01" : "", "latin1"), bytes]);
      assert.equal(typeof programKind(head).kind, "string");
    }),
  );
});
