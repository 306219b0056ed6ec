/** Zips as the tools of this world make them, odd ones among them: all must be taken, with what is in them as it was. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { CodePackages } from "./code-packages.ts";
import { PACKAGE_LIMITS } from "./limits.ts";
import { addZip } from "./testing/add-zip.ts";
import { rawZip } from "./testing/raw-zip.ts";
import { readZip } from "./zip-contents.ts";

const GO = `package main
import ("archive/zip"; "io"; "os")
func main() {
  w := zip.NewWriter(os.Stdout)
  h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
  h.SetMode(0755)
  f, _ := w.CreateHeader(h)
  io.WriteString(f, "#!/bin/sh\\n")
  f, _ = w.Create("lib/data.txt")
  io.WriteString(f, "data")
  w.Close()
}`;

const PYTHON = `import sys, zipfile, io
class Pipe(io.RawIOBase):
    def writable(self): return True
    def write(self, b): sys.stdout.buffer.write(b); return len(b)
how = sys.argv[1]
out = Pipe() if how == "piped" else open(sys.argv[2], "wb")
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
    def add(name, data, mode):
        i = zipfile.ZipInfo(name); i.external_attr = mode << 16; i.compress_type = zipfile.ZIP_DEFLATED
        with z.open(i, "w", force_zip64=how == "zip64") as f: f.write(data)
    add("bootstrap", b"#!/bin/sh\\n", 0o100755)
    add("lib/data.txt", b"data", 0o100644)
    if how == "commented": z.comment = b"made by hand"
    if how == "stored": z.writestr(zipfile.ZipInfo("empty"), b"")`;

/** What makes a zip of the code folder at `out`, or gives it on stdout. */
const MAKERS: Record<string, (code: string, out: string) => { command: string; args: string[]; bits?: boolean }> = {
  zip: (_code, out) => ({ command: "zip", args: ["-q", "-r", "-y", out, "."] }),
  "zip without compression": (_code, out) => ({ command: "zip", args: ["-q", "-0", "-r", out, "."] }),
  "zip with zip64": (_code, out) => ({ command: "zip", args: ["-q", "-fz", "-r", out, "."] }),
  "Python's zipfile": (_code, out) => ({ command: "python3", args: ["-c", PYTHON, "plain", out] }),
  "Python's zipfile with zip64": (_code, out) => ({ command: "python3", args: ["-c", PYTHON, "zip64", out] }),
  "Python's zipfile into a pipe": () => ({ command: "python3", args: ["-c", PYTHON, "piped"] }),
  "Python's zipfile with a comment": (_code, out) => ({ command: "python3", args: ["-c", PYTHON, "commented", out] }),
  "Python's zipfile with an empty file": (_code, out) => ({ command: "python3", args: ["-c", PYTHON, "stored", out] }),
  "Go's archive/zip": (code) => {
    writeFileSync(join(code, "..", "main.go"), GO);
    return { command: "go", args: ["run", "../main.go"] };
  },
  // Tools that write no modes.
  "Java's jar": (_code, out) => ({ command: "jar", args: ["cf", out, "."], bits: false }),
  "zip as on DOS": (_code, out) => ({ command: "zip", args: ["-q", "-k", "-r", out, "."], bits: false }),
};

test("50,000 entries are not read one at a time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-many-"));
  try {
    const entries = Array.from({ length: 50_000 }, (_, at) => ({
      name: `d${at % 100}/f${at}`,
      content: "x",
      method: 0,
    }));
    writeFileSync(join(folder, "many.zip"), rawZip(entries));
    const before = process.resourceUsage();
    using contents = await readZip(join(folder, "many.zip"), PACKAGE_LIMITS);
    assert.equal(contents.items.length, 50_000);
    const usage = process.resourceUsage();
    // Each read of a file goes over the thread pool and costs switches; those of the directory alone would be 100,000.
    assert.ok(usage.voluntaryContextSwitches - before.voluntaryContextSwitches < 20_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("zips made by", () => {
  const scratch = mkdtempSync(join(tmpdir(), "sluice-good-zips-"));
  after(() => rmSync(scratch, { recursive: true }));
  let number = 0;

  for (const [name, make] of Object.entries(MAKERS)) {
    test(name, async (t) => {
      number += 1;
      const folder = join(scratch, String(number));
      const code = join(folder, "code");
      mkdirSync(join(code, "lib"), { recursive: true });
      writeFileSync(join(code, "bootstrap"), "#!/bin/sh\n", { mode: 0o755 });
      writeFileSync(join(code, "lib", "data.txt"), "data", { mode: 0o644 });
      symlinkSync("lib/data.txt", join(code, "link"));
      const out = join(folder, "out.zip");
      const { command, args, bits = true } = make(code, out);
      if (spawnSync(command, ["--version"]).error !== undefined && !process.env["CI"])
        return t.skip(`${command} is missing`);
      const printed = execFileSync(command, args, { cwd: code, maxBuffer: 1e8 });
      const packages = await CodePackages.open(join(folder, "packages"));
      using held = await addZip(packages, printed.length > 0 ? printed : readFileSync(out));
      const unpacked = packages.dirOf(held.code.sha256);
      const fileNamed = (path: string) => (name === "zip as on DOS" ? path.toUpperCase() : path);
      assert.equal(readFileSync(join(unpacked, fileNamed("lib/data.txt")), "utf8"), "data");
      if (bits) {
        assert.equal(readFileSync(join(unpacked, "bootstrap"), "utf8"), "#!/bin/sh\n");
        assert.equal(statSync(join(unpacked, "bootstrap")).mode & 0o777, 0o755);
        assert.equal(statSync(join(unpacked, "lib/data.txt")).mode & 0o777, 0o644);
      }
      if (args.includes("-y")) assert.equal(readlinkSync(join(unpacked, "link")), "lib/data.txt");
    });
  }
});
