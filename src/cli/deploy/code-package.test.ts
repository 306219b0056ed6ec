import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import yauzl from "yauzl";
import { readTemplate } from "../s-yaml/template.ts";
import { type CodeFile, listCodeFiles } from "./code-files.ts";
import { packCode, type TargetMachine } from "./code-package.ts";
import { planTemplate } from "./plan.ts";
import { programKind, whyNotStartable } from "./program-kind.ts";
import { zipFiles } from "./zip-folder.ts";

function folderWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-code-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Entries of a zip: name, mode and text. */
async function readZip(zip: Buffer): Promise<{ name: string; mode: number; text: string }[]> {
  const archive = await yauzl.fromBufferPromise(zip);
  const entries: { name: string; mode: number; text: string }[] = [];
  for await (const entry of archive.eachEntry()) {
    const stream = await archive.openReadStreamPromise(entry);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const mode = entry.externalFileAttributes >>> 16;
    entries.push({ name: entry.fileName, mode, text: Buffer.concat(chunks).toString() });
  }
  return entries;
}

function zipped(files: readonly CodeFile[]): Promise<Buffer> {
  return buffer(zipFiles(files));
}

/** Packs `codeUri: ./code` of a template in `folder`. */
async function pack(folder: string, machine?: TargetMachine, functionKeys = "codeUri: ./code"): Promise<Buffer> {
  const text = `edition: 1.0.0\nservices:\n  one:\n    component: fc\n    props:\n      service: {name: s}\n      function:\n        name: f\n        runtime: custom\n        ${functionKeys}\n`;
  writeFileSync(join(folder, "s.yaml"), text);
  const template = readTemplate(undefined, folder, {});
  const [plan] = planTemplate(template, { config: {}, note: () => {} });
  assert.ok(plan);
  await using packed = await packCode(plan, template, machine);
  const bytes = await packed.bytes();
  assert.deepEqual([packed.sizeBytes, packed.sha256], [bytes.length, createHash("sha256").update(bytes).digest("hex")]);
  return bytes;
}

test("zipFiles keeps executable bits and relative links, and sorts by name", async (t) => {
  const folder = folderWith(t, { "z.txt": "z", "a/run": "#!/bin/sh\n", "b.txt": "b" });
  chmodSync(join(folder, "a/run"), 0o755);
  symlinkSync("../b.txt", join(folder, "a/link"));
  assert.deepEqual(await readZip(await zipped(listCodeFiles(folder))), [
    { name: "a/link", mode: 0o120777, text: "../b.txt" },
    { name: "a/run", mode: 0o100755, text: "#!/bin/sh\n" },
    { name: "b.txt", mode: 0o100644, text: "b" },
    { name: "z.txt", mode: 0o100644, text: "z" },
  ]);
});

test("zipFiles gives the same bytes for the same files, whatever their times", async (t) => {
  const files = { one: "1".repeat(10_000), "two/three": "3" };
  const [left, right] = [folderWith(t, files), folderWith(t, files)];
  utimesSync(join(right, "one"), 1e9, 1e9);
  const [first, second] = [await zipped(listCodeFiles(left)), await zipped(listCodeFiles(right))];
  assert.ok(first.equals(second));
  writeFileSync(join(right, "one"), "changed");
  assert.ok(!first.equals(await zipped(listCodeFiles(right))));
});

test("listCodeFiles leaves out .git and what .fcignore names", (t) => {
  const folder = folderWith(t, {
    ".git/HEAD": "x",
    ".fcignore": "node_modules/\n*.log\n!keep.log\n",
    "node_modules/a/index.js": "x",
    "a.log": "x",
    "keep.log": "x",
    bootstrap: "x",
  });
  assert.deepEqual(
    listCodeFiles(folder).map((file) => file.name),
    ["bootstrap", "keep.log"],
  );
});

test("listCodeFiles refuses links that lead out of the folder", (t) => {
  const folder = folderWith(t, { "a/x": "x" });
  symlinkSync("../../etc", join(folder, "a/out"));
  assert.throws(() => listCodeFiles(folder), /a\/out is a link that leads out of the code folder, to \.\.\/\.\.\/etc/);
  rmSync(join(folder, "a/out"));
  symlinkSync("/etc/passwd", join(folder, "a/out"));
  assert.throws(() => listCodeFiles(folder), /leads out of the code folder/);
});

test("packCode names codeUri's line where the package could not start", async (t) => {
  const folder = folderWith(t, { "code/main.go": "x" });
  await assert.rejects(pack(folder), /s\.yaml:10: codeUri: expected a file bootstrap in code/);
  writeFileSync(join(folder, "code/bootstrap"), "#!/bin/sh\n");
  await assert.rejects(pack(folder), /bootstrap to be executable, and it is not: chmod \+x code\/bootstrap/);
  chmodSync(join(folder, "code/bootstrap"), 0o755);
  assert.equal((await readZip(await pack(folder))).length, 2);
  await assert.rejects(
    pack(folder, undefined, "codeUri: ./nowhere"),
    /codeUri: expected a folder or a zip, but .* does not exist/,
  );
});

test("packCode needs no bootstrap where a command is configured", async (t) => {
  const folder = folderWith(t, { "code/server.py": "x" });
  const zip = await pack(
    folder,
    undefined,
    "codeUri: ./code\n        customRuntimeConfig: {command: [python3, server.py]}",
  );
  assert.deepEqual(
    (await readZip(zip)).map((entry) => entry.name),
    ["server.py"],
  );
});

test("packCode refuses a program for another CPU where it knows the machine", async (t) => {
  const head = Buffer.alloc(64);
  head.writeUInt32BE(0x7f454c46, 0);
  head[5] = 1;
  head.writeUInt16LE(183, 18);
  const folder = folderWith(t, { "code/bootstrap": head });
  chmodSync(join(folder, "code/bootstrap"), 0o755);
  await assert.rejects(
    pack(folder, { platform: "linux", cpu: "x64" }),
    /code\/bootstrap is a program for arm64, and this machine is x64/,
  );
  await pack(folder, { platform: "linux", cpu: "arm64" });
  await pack(folder);
});

test("packCode takes a ready zip as it is and refuses one without bootstrap", async (t) => {
  const folder = folderWith(t, { "in/bootstrap": "x", "other/x": "x", "bad.zip": "no zip" });
  const zip = await zipped(listCodeFiles(join(folder, "in")));
  writeFileSync(join(folder, "b.zip"), zip);
  writeFileSync(join(folder, "o.zip"), await zipped(listCodeFiles(join(folder, "other"))));
  assert.ok((await pack(folder, undefined, "codeUri: b.zip")).equals(zip));
  await assert.rejects(pack(folder, undefined, "codeUri: o.zip"), /expected a file bootstrap in o\.zip/);
  await assert.rejects(pack(folder, undefined, "codeUri: bad.zip"), /bad\.zip cannot be read as one/);
});

test("packCode refuses a zip above 500 MB, and a folder above 1 GB without packing it", async (t) => {
  const folder = folderWith(t, { "code/bootstrap": "#!/bin/sh\n", "b.zip": "" });
  chmodSync(join(folder, "code/bootstrap"), 0o755);
  truncateSync(join(folder, "b.zip"), 500 * 1024 ** 2 + 1);
  await assert.rejects(pack(folder, undefined, "codeUri: b.zip"), /a package of at most 500 MB, got 501 MB/);
  // Sparse: takes no room.
  writeFileSync(join(folder, "code/big"), "");
  truncateSync(join(folder, "code/big"), 1024 ** 3);
  await assert.rejects(pack(folder), /at most 1024 MB of files, got 1025 MB: name what is not needed in \.fcignore/);
});

test("programKind and whyNotStartable tell what cannot start", () => {
  const why = (head: Buffer, platform: NodeJS.Platform = "linux") =>
    whyNotStartable(programKind(head), platform, "x64");
  assert.match(why(Buffer.from("cffaedfe07000001", "hex")) ?? "", /macOS/);
  assert.equal(why(Buffer.from("cffaedfe07000001", "hex"), "darwin"), undefined);
  assert.match(why(Buffer.from("MZ......")) ?? "", /Windows: build/);
  assert.match(why(Buffer.from("#!/bin/sh\r\nexec x\r\n")) ?? "", /Windows line ends/);
  assert.equal(why(Buffer.from("#!/bin/sh\nexec x\n")), undefined);
  assert.equal(why(Buffer.from("")), undefined);
});
