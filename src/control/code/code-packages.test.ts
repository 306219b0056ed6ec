import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CodePackages } from "./code-packages.ts";
import { crc64 } from "./crc64.ts";
import { PACKAGE_LIMITS, type PackageLimits } from "./limits.ts";
import { addZip } from "./testing/add-zip.ts";
import { type RawEntry, rawZip } from "./testing/raw-zip.ts";

async function withPackages(
  work: (packages: CodePackages, dir: string) => Promise<void>,
  limits: PackageLimits = PACKAGE_LIMITS,
): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), "sluice-code-"));
  const dir = join(parent, "code");
  try {
    await work(await CodePackages.open(dir, limits), dir);
    assert.deepEqual(await readdir(parent), ["code"], "nothing is written outside");
  } finally {
    await rm(parent, { recursive: true });
  }
}

/** The zip with another number at a place counted from its end. */
function patched(zip: Buffer, fromEnd: number, value: number, sizeBytes: number): Buffer {
  zip.writeUIntLE(value, zip.length + fromEnd, sizeBytes);
  return zip;
}

const link = (name: string, target: string): RawEntry => ({ name, content: target, mode: 0o120777 });

test("crc64: the check value of CRC-64/XZ", () => {
  assert.equal(crc64(Buffer.from("123456789")), "11051210869376104954");
  assert.equal(crc64(Buffer.alloc(0)), "0");
});

test("crc64: as the definition, bit by bit, at every length and offset", () => {
  const bitByBit = (bytes: Uint8Array) => {
    let crc = 0xffffffffffffffffn;
    for (const byte of bytes) {
      crc ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
    }
    return String(crc ^ 0xffffffffffffffffn);
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.nat(9), (bytes, offset) => {
      assert.equal(crc64(bytes.subarray(offset)), bitByBit(bytes.subarray(offset)));
    }),
  );
});

describe("CodePackages.add", () => {
  test("unpacks files with their modes, folders and inner links, and keeps the zip", () =>
    withPackages(async (packages, dir) => {
      const zip = rawZip([
        { name: "bootstrap", content: "#!/bin/sh\n", mode: 0o100755 },
        { name: "lib/", mode: 0o040755 },
        { name: "lib/deep/data.txt", content: "x".repeat(100_000), mode: 0o100600 },
        { name: "suid", content: "s", mode: 0o106777 },
        { name: "dos.txt", content: "d", system: 0 },
        link("bin/run", "../bootstrap"),
        { name: "stored", content: "as it is", method: 0 },
      ]);
      using held = await addZip(packages, zip);
      const sha256 = createHash("sha256").update(zip).digest("hex");
      assert.deepEqual(held.code, { sha256, checksum: crc64(zip), sizeBytes: zip.length, hasBootstrap: true });
      const folder = packages.dirOf(sha256);
      assert.equal(folder, join(dir, sha256));
      const mode = async (path: string) => (await stat(join(folder, path))).mode & 0o7777;
      assert.equal(await mode("bootstrap"), 0o755);
      assert.equal(await mode("lib/deep/data.txt"), 0o644);
      assert.equal(await mode("suid"), 0o755);
      assert.equal(await mode("dos.txt"), 0o644);
      assert.equal(await readFile(join(folder, "lib/deep/data.txt"), "utf8"), "x".repeat(100_000));
      assert.equal(await readFile(join(folder, "stored"), "utf8"), "as it is");
      assert.equal(await readlink(join(folder, "bin/run")), "../bootstrap");
      assert.deepEqual(await readFile(packages.zipOf(sha256)), zip);
      assert.deepEqual((await readdir(dir)).sort(), [sha256, `${sha256}.zip`]);
    }));

  test("the same zip again, also at the same time, is one package", () =>
    withPackages(async (packages, dir) => {
      const zip = rawZip([{ name: "main.py", content: "1" }]);
      const all = await Promise.all([addZip(packages, zip), addZip(packages, zip)]);
      const again = await addZip(packages, zip);
      assert.deepEqual(all[0].code, again.code);
      assert.equal(again.code.hasBootstrap, false);
      assert.equal((await readdir(dir)).length, 2);
    }));

  const hostile: [what: string, entries: RawEntry[], message: RegExp][] = [
    ["no entries", [], /empty/],
    ["an absolute name", [{ name: "/etc/passwd" }], /absolute/],
    ["a drive letter", [{ name: "C:evil" }], /absolute/],
    ["a parent folder", [{ name: "a/../../b" }], /\.\./],
    ["a parent folder at the end", [{ name: "a/.." }], /\.\./],
    ["a dot", [{ name: "./a" }], /part "\."/],
    ["a backslash", [{ name: "a\\..\\b" }], /\\/],
    ["an empty part", [{ name: "a//b" }], /part ""/],
    ["an empty name", [{ name: "" }], /part ""/],
    ["a NUL", [{ name: "a\0b" }], /character that is not allowed/],
    ["a line break", [{ name: "a\nb" }], /character that is not allowed/],
    ["a name that is no UTF-8", [{ name: Buffer.from([0x61, 0xff]) }], /character that is not allowed/],
    ["a long part", [{ name: "a".repeat(256) }], /longer than 255/],
    ["a long path", [{ name: `${"abcdefg/".repeat(600)}b` }], /longer than 4096/],
    ["a deep path", [{ name: `${"a/".repeat(64)}b` }], /64 folders deep/],
    ["a name twice", [{ name: "a" }, { name: "a" }], /twice/],
    ["a name in two spellings", [{ name: "\u00e9" }, { name: "e\u0301" }], /twice/],
    ["a file below a file", [{ name: "a" }, { name: "a/b" }], /below "a", which is a file/],
    ["a file below a link", [link("a", "b"), { name: "a/b" }], /below "a", which is a link/],
    ["an absolute link", [link("a", "/etc")], /absolute/],
    ["a link to outside", [link("a/b", "../../x")], /leads out/],
    ["a link to outside through another", [link("deep/l", ".."), link("x", "deep/l/../y")], /leads out/],
    ["links in a circle", [link("a", "b"), link("b", "a")], /never ends/],
    ["a link to nothing", [link("a", "")], /no usable target/],
    ["a device", [{ name: "a", mode: 0o020666 }], /device/],
    ["a pipe", [{ name: "a", mode: 0o010666 }], /device/],
    ["a folder with bytes", [{ name: "a/", content: "x", mode: 0o040755 }], /bytes of its own/],
    ["an encrypted entry", [{ name: "a", content: "xxxxxxxxxxxxx", flags: 1 }], /encrypted/],
    ["another method", [{ name: "a", content: "x", method: 12 }], /method 12/],
    ["another name in the local header", [{ name: "a", localName: "b" }], /differs from its own header/],
    ["another size in the local header", [{ name: "a", content: "xx", localUncompressedSize: 1 }], /differs/],
    ["a smaller size than the bytes", [{ name: "a", content: "x".repeat(50), uncompressedSize: 3 }], /cannot be read/],
    ["a larger size than the bytes", [{ name: "a", content: "xx", uncompressedSize: 30 }], /cannot be read/],
    ["a wrong checksum", [{ name: "a", content: "xx", crc: 7 }], /checksum of "a"/],
    ["a socket", [{ name: "a", mode: 0o140666 }], /device/],
    ["a block device", [{ name: "a", mode: 0o060666 }], /device/],
    ["a folder that is a link", [{ name: "a/", mode: 0o120777 }], /device|no clear kind/],
    ["a parent folder behind a backslash", [{ name: "..\\a" }], /\\/],
    ["a share of Windows", [{ name: "\\\\host\\a" }], /\\/],
    ["only parent folders", [{ name: ".." }], /invalid relative path: \.\./],
    ["a parent folder with a final slash", [{ name: "../" }], /invalid relative path: \.\.\//],
    ["an escape of a terminal", [{ name: "a\u001b[2J" }], /character that is not allowed/],
    ["a control character of C1", [{ name: "a\u009b" }], /character that is not allowed/],
    ["a folder and a file of one name", [{ name: "a/", mode: 0o040755 }, { name: "a" }], /twice/],
    ["a folder below a file", [{ name: "a" }, { name: "a/b/", mode: 0o040755 }], /below "a", which is a file/],
    ["a link in a chain to outside", [link("a", "b"), link("b", "c"), link("c", "../x")], /leads out/],
    ["a link through a folder to outside", [{ name: "d/f" }, link("l", "d/../../x")], /leads out/],
    ["masked headers", [{ name: "a", content: "x", flags: 0x2000 }], /masked or a patch/],
    ["strong encryption", [{ name: "a", content: "x", flags: 0x41 }], /encryption is not supported/],
    ["another checksum in the local header", [{ name: "a", content: "x", localCrc: 1 }], /differs from its own header/],
    ["encryption in the local header", [{ name: "a", content: "x", localFlags: 0x801 }], /differs from its own header/],
    ["a large ratio", [{ name: "a", content: Buffer.alloc(11 * 1024 ** 2) }], /zip bomb/],
  ];
  for (const [what, entries, message] of hostile) {
    test(`refuses ${what}, and keeps nothing of it`, () =>
      withPackages(async (packages, dir) => {
        await assert.rejects(addZip(packages, rawZip(entries)), { name: "PackageError", code: "invalid", message });
        assert.deepEqual(await readdir(dir), []);
      }));
  }

  const damaged: [what: string, damage: (zip: Buffer) => Buffer, message: RegExp][] = [
    ["a directory that is cut", (zip) => zip.subarray(0, zip.length - 30), /cannot be read/],
    ["a zip that is cut in the middle", (zip) => zip.subarray(0, zip.length >> 1), /cannot be read/],
    ["more entries than it says", (zip) => patched(zip, -12, 1, 2), /more entries than the 1/],
    ["fewer entries than it says", (zip) => patched(zip, -12, 3, 2), /cannot be read/],
    ["a directory behind the end", (zip) => patched(zip, -6, zip.length + 9, 4), /cannot be read/],
    ["a second disk", (zip) => patched(zip, -18, 1, 2), /multi-disk/],
    ["bytes after its end", (zip) => Buffer.concat([zip, Buffer.alloc(9)]), /cannot be read/],
    [
      "a zip64 record that is somewhere else",
      (zip) => {
        const locator = Buffer.alloc(20);
        locator.writeUInt32LE(0x07064b50);
        locator.writeBigUInt64LE(2n ** 50n, 8);
        return Buffer.concat([zip.subarray(0, -22), locator, zip.subarray(-22)]);
      },
      /cannot be read/,
    ],
  ];
  for (const [what, damage, message] of damaged) {
    test(`refuses ${what}, keeps nothing of it and no file open`, () =>
      withPackages(async (packages, dir) => {
        const zip = rawZip([
          { name: "a", content: "xyz" },
          { name: "b", content: "xyz" },
        ]);
        const openBefore = (await readdir("/dev/fd")).length;
        for (let time = 0; time < 20; time += 1) {
          await assert.rejects(addZip(packages, damage(Buffer.from(zip))), { code: "invalid", message });
        }
        await new Promise((resolve) => setImmediate(resolve));
        assert.ok((await readdir("/dev/fd")).length < openBefore + 10);
        assert.deepEqual(await readdir(dir), []);
      }));
  }

  test("names that differ in case alone are two files, where the disk tells them apart", () =>
    withPackages(async (packages) => {
      const held = await addZip(
        packages,
        rawZip([
          { name: "A", content: "1" },
          { name: "a", content: "2" },
        ]),
      );
      assert.deepEqual((await readdir(packages.dirOf(held.code.sha256))).sort(), ["A", "a"]);
    }));

  test("refuses entries that share bytes", () =>
    withPackages(async (packages, dir) => {
      const inner = { name: "b", content: "xyz" };
      const innerZip = rawZip([inner]);
      const innerLocal = innerZip.subarray(0, innerZip.indexOf("PK\x01\x02"));
      // A stored file whose bytes are another entry: both headers agree with the directory.
      const quoting = { name: "a", content: innerLocal, method: 0 };
      const zip = rawZip([quoting, { ...inner, offset: 31 }]);
      await assert.rejects(addZip(packages, zip), { code: "invalid", message: /Entries of the zip overlap/ });
      const single = rawZip([{ name: "a", content: "xyz" }]);
      // The directory said to begin inside the first entry.
      single.writeUInt32LE(single.readUInt32LE(single.length - 6) - 2, single.length - 6);
      await assert.rejects(addZip(packages, single), { code: "invalid" });
      assert.deepEqual(await readdir(dir), []);
    }));

  test("refuses what is over the limits of size and count", () =>
    withPackages(
      async (packages, dir) => {
        const file = (name: string, size: number) => ({ name, content: Buffer.alloc(size, "ab") });
        const three = rawZip([file("a", 1), file("b", 1), file("c", 1)]);
        await assert.rejects(addZip(packages, three), { message: /3 entries: at most 2/ });
        await assert.rejects(addZip(packages, rawZip([file("a", 600), file("b", 600)])), {
          message: /at most 1000 are/,
        });
        await using receiver = await packages.receive(1024 ** 2);
        await receiver.write(Buffer.alloc(1024 ** 2));
        await assert.rejects(receiver.write(Buffer.alloc(1)), { code: "invalid", message: /more than 1 MB/ });
        await receiver[Symbol.asyncDispose]();
        assert.deepEqual(await readdir(dir), []);
      },
      { ...PACKAGE_LIMITS, entryCountMax: 2, unpackedSizeMaxBytes: 1000 },
    ));

  test("bytes changed anywhere are refused or give a package inside the folder; never a crash", () =>
    withPackages(async (packages) => {
      const zip = rawZip([
        { name: "bootstrap", content: "hello ".repeat(20) },
        link("l", "bootstrap"),
        { name: "d/e" },
      ]);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
          async (edits) => {
            const changed = Buffer.from(zip);
            for (const [at, byte] of edits) changed[at] = byte;
            await addZip(packages, changed).catch((error: Error) =>
              assert.equal(error.name, "PackageError", error.stack),
            );
          },
        ),
        { numRuns: 300 },
      );
    }));
});

test("CodePackages.open: removes what a crash left half done, and only that", () =>
  withPackages(async (packages, dir) => {
    using held = await addZip(packages, rawZip([{ name: "a", content: "1" }]));
    await writeFile(join(dir, "tmp-1"), "half");
    await CodePackages.open(dir);
    assert.deepEqual((await readdir(dir)).sort(), [held.code.sha256, `${held.code.sha256}.zip`]);
  }));

test("CodePackages.sweep: removes packages that nobody names or holds", () =>
  withPackages(async (packages, dir) => {
    const named = await addZip(packages, rawZip([{ name: "a", content: "named" }]));
    const held = await addZip(packages, rawZip([{ name: "a", content: "held" }]));
    const doomed = await addZip(packages, rawZip([{ name: "a", content: "doomed" }]));
    named[Symbol.dispose]();
    doomed[Symbol.dispose]();
    assert.equal(await packages.sweep(new Set([named.code.sha256])), 1);
    const left = (await readdir(dir)).filter((name) => !name.endsWith(".zip")).sort();
    assert.deepEqual(left, [named.code.sha256, held.code.sha256].sort());
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    assert.equal(await packages.sweep(new Set([named.code.sha256])), 1);
    assert.equal((await readdir(dir)).length, 2);
  }));
