/** A program for tests of drivers: it listens where its environment says, and does what a connection tells it. */
import { randomInt } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { functionKey, newInstanceId } from "../../model/model.ts";
import type { DriverInstance, StartSpec } from "../driver.ts";

/** Node.js source: one order in JSON on each line, one answer in JSON for each. */
export const PROGRAM = `#!/usr/bin/env node
const { createServer } = require("node:net");
const { createInterface } = require("node:readline");
const { spawn } = require("node:child_process");
const { closeSync, openSync, writeFileSync } = require("node:fs");
const hoard = [];
const orders = {
  info: () => ({ uid: process.getuid(), cwd: process.cwd(), env: process.env, main: require.main.filename,
    arguments: process.argv.slice(2) }),
  print: ({ stream, text }) => { process[stream].write(text); return {}; },
  flood: () => { const line = "x".repeat(200) + "\\n"; const go = () => { while (process.stdout.write(line)); };
    process.stdout.on("drain", go); go(); return {}; },
  exit: ({ code }) => process.exit(code),
  signal: ({ name }) => { process.kill(process.pid, name); return {}; },
  ignoreTerm: () => { process.on("SIGTERM", () => {}); return {}; },
  exitOnTerm: ({ code }) => { process.on("SIGTERM", () => process.exit(code)); return {}; },
  burn: ({ milliseconds }) => { const since = process.cpuUsage(); while (process.cpuUsage(since).user < milliseconds * 1000);
    return {}; },
  spin: ({ milliseconds }) => { const from = process.cpuUsage(); const until = Date.now() + milliseconds;
    while (Date.now() < until); const used = process.cpuUsage(from); return { cpuSeconds: (used.user + used.system) / 1e6 }; },
  openFiles: () => { const opened = []; try { for (;;) opened.push(openSync("/dev/null")); } catch (error) {
    for (const file of opened) closeSync(file); return { count: opened.length, code: error.code }; } },
  count: () => { setInterval(() => console.log("program"), 5);
    spawn("sh", ["-c", "while :; do echo child; sleep 0.01; done"], { stdio: "inherit" }); return {}; },
  sleeper: ({ seconds }) => { spawn("sleep", [seconds], { detached: true, stdio: "ignore" }).unref(); return {}; },
  hoard: ({ megabytes }) => { for (let i = 0; i < megabytes; i++) hoard.push(Buffer.alloc(1 << 20, 1)); return {}; },
  childHoard: ({ megabytes }) => { spawn(process.execPath, ["-e",
    "const h=[];for(let i=0;i<" + megabytes + ";i++)h.push(Buffer.alloc(1<<20,1));setInterval(()=>{},1e6)"]); return {}; },
  write: ({ path }) => { try { writeFileSync(path, "x"); return { ok: true }; } catch (e) { return { ok: false, code: e.code }; } },
  run: ({ command }) => new Promise((resolve) => { const [program, ...rest] = command; let out = "";
    const child = spawn(program, rest); child.stdout.on("data", (d) => (out += d)); child.stderr.on("data", (d) => (out += d));
    child.on("error", (e) => resolve({ out: String(e) })); child.on("close", (code) => resolve({ code, out })); }),
};
const listen = (port, host) => createServer((socket) => {
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", async (line) => {
    const order = JSON.parse(line);
    socket.write(JSON.stringify(await orders[order.do](order)) + "\\n");
  });
}).listen({ port, host });
const { BEHAVIOUR = "listen", BEHAVIOUR_PORT } = process.env;
if (BEHAVIOUR === "exit") { console.error("about to exit"); process.exit(3); }
if (BEHAVIOUR === "idle") setInterval(() => {}, 1e6);
if (BEHAVIOUR === "listen") listen(Number(BEHAVIOUR_PORT ?? process.env.FC_SERVER_PORT), process.env.BEHAVIOUR_HOST);
`;

/** Code packages in a home of their own. */
export class TestHome {
  readonly path: string;
  readonly #usual: Partial<StartSpec>;

  private constructor(path: string, usual: Partial<StartSpec> = {}) {
    this.path = path;
    this.#usual = usual;
  }

  /** `isOpen`: every user may enter it; else only its owner, as into most homes. `usual`: what all starts from it share. */
  static async create(isOpen = false, usual: Partial<StartSpec> = {}): Promise<TestHome> {
    const path = await mkdtemp(join(tmpdir(), "sluice-driver-test-"));
    await chmod(path, isOpen ? 0o755 : 0o700);
    const home = new TestHome(path, usual);
    await home.package("program", { bootstrap: PROGRAM });
    return home;
  }

  /** One that exists. */
  static at(path: string): TestHome {
    return new TestHome(path);
  }

  /** Writes a package of executable files and returns its folder. */
  async package(name: string, files: Readonly<Record<string, string | Buffer>>, mode = 0o755): Promise<string> {
    const folder = join(this.path, name);
    await mkdir(folder, { mode: 0o755 });
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(folder, file), content);
      await chmod(join(folder, file), mode);
    }
    return folder;
  }

  /** A start of the program above, unless `changes` say otherwise. */
  spec(changes: Partial<StartSpec> = {}): StartSpec {
    return {
      instanceId: newInstanceId(),
      function: functionKey("test", "program"),
      codeDir: join(this.path, "program"),
      command: ["./bootstrap"],
      hasCommand: false,
      environment: {},
      caPort: 9000,
      memoryMb: 512,
      diskMb: 512,
      internetAccess: false,
      startLimitMs: 20_000,
      ...this.#usual,
      ...changes,
    };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A connection to the program. */
export class Dialogue {
  readonly stream: Duplex;
  readonly #lines: AsyncIterator<string>;

  private constructor(stream: Duplex) {
    this.stream = stream;
    this.#lines = createInterface({ input: stream })[Symbol.asyncIterator]();
    stream.on("error", () => {});
  }

  static async open(instance: DriverInstance): Promise<Dialogue> {
    return new Dialogue(await instance.connect());
  }

  /** Gives an order and waits for the answer. */
  async ask(order: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
    this.tell(order);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The program ended before it answered ${JSON.stringify(order)}`);
    return JSON.parse(value) as Record<string, unknown>;
  }

  /** Gives an order that ends the program. */
  tell(order: Readonly<Record<string, unknown>>): void {
    this.stream.write(`${JSON.stringify(order)}\n`);
  }
}

/** Seconds for `sleep` that no other process of this machine sleeps, to find that one by. */
export function uniqueSeconds(): string {
  return `86400.${randomInt(1e9, 9e9)}`;
}
