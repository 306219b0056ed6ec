/** What a program inside of a sandbox sees and may do. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { silentLogger as logger } from "../../base/base.ts";
import type { Driver, DriverInstance } from "../driver.ts";
import { type FilteredCpu, JUDGED, REFUSED } from "../seccomp/system-calls.ts";
import { SpawnerDriver } from "../spawner/spawner-driver.ts";
import { ownAddresses, reach, type Target } from "../testing/reach.ts";
import { configuration, isRoot, sandboxSkip, spawnerDriver, spawnerSetup } from "../testing/subjects.ts";
import { Dialogue, TestHome } from "../testing/test-function.ts";

/** Makes every call for real and says which ended otherwise than by the filter. */
const SYSTEM_CALLS = `
import ctypes, errno, json, os, socket, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
refused, judged, cpu = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return errno.errorcode.get(ctypes.get_errno(), "none") if result == -1 else "ok"
wrong = []
def expect(name, got, wanted):
    if got != wanted: wrong.append(f"{name}: {got}, not {wanted}")
for name, number in refused: expect(name, call(number, 0, 0, 0, 0, 0, 0), "EPERM")
for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    expect(f"clone {flag:x}", call(judged["clone"][cpu], flag | 17), "EPERM")
expect("clone3", call(judged["clone3"][cpu], 0, 0), "ENOSYS")
expect("a call of a later kernel", call(460, 0, 0), "ENOSYS")
expect("TIOCSTI", call(judged["ioctl"][cpu], 0, 0x5412, 0), "EPERM")
expect("personality", call(judged["personality"][cpu], 0x40000), "EPERM")
for family in (17, 38, 40): expect(f"socket {family}", call(judged["socket"][cpu], family, 3, 0), "EAFNOSUPPORT")
expect("socket netlink 12", call(judged["socket"][cpu], 16, 3, 12), "EPROTONOSUPPORT")
expect("interfaces", [name for _, name in socket.if_nameindex()][0], "lo")
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
child = os.fork()
if child == 0: os._exit(7)
expect("fork", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
print("; ".join(wrong) or "all as expected")
`;

const disksNeedRoot = isRoot ? false : "disks need root";

describe("inside of a sandbox", { skip: sandboxSkip() }, () => {
  let home: TestHome | undefined;
  let driver: Driver | undefined;
  let instance: DriverInstance | undefined;
  let dialogue: Dialogue | undefined;
  before(async () => {
    home = await TestHome.create();
    driver = await spawnerDriver("sandbox", () => {});
    instance = driver.start(home.spec({ environment: { LD_PRELOAD: "/code/absent.so" } }));
    await instance.listening;
    dialogue = await Dialogue.open(instance);
  });
  after(async () => {
    await driver?.close();
    await home?.remove();
  });
  const run = async (...command: string[]): Promise<{ code: number; out: string }> =>
    (await dialogue!.ask({ do: "run", command })) as { code: number; out: string };

  test("the programs of the host's /usr start", async () => {
    const programs: [string, ...string[]][] = [
      [
        "/usr/bin/python3",
        "-c",
        "import ssl, socket, multiprocessing; multiprocessing.Lock(); print(ssl.OPENSSL_VERSION)",
      ],
      ["/usr/bin/java", "-version"],
      ["/usr/bin/awk", "BEGIN { print 1 }"],
      ["/bin/sh", "-c", "id -un; getent hosts localhost"],
    ];
    for (const [program, ...rest] of programs.filter(([path]) => existsSync(path))) {
      const { code, out } = await run(program, ...rest);
      // The LD_PRELOAD above is the function's own affair: its loader says that it does not find the file.
      assert.equal(code, 0, `${program}: ${out}`);
    }
  });

  test("of the host there is /usr, a little of /etc, and nothing else", async () => {
    const { out } = await run("ls", "/");
    const seen = out.split("\n").filter((line) => line !== "" && !line.includes("LD_PRELOAD"));
    const usual = ["bin", "code", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin", "tmp", "usr"];
    assert.deepEqual(
      seen.filter((name) => !usual.includes(name)),
      [],
    );
    for (const secret of ["/etc/shadow", "/etc/ssl/private", "/root", "/home", "/sys", "/run", home!.path]) {
      assert.equal((await run("ls", "-d", secret)).code, 2, secret);
    }
    assert.match((await run("cat", "/etc/passwd")).out, /^function:x:2\d{5}:/m);
  });

  test("no capability, no way to one, and a user id that the password file knows", async () => {
    const { out: status } = await run("cat", "/proc/self/status");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      assert.match(status, new RegExp(`^${set}:\t0+$`, "m"));
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    assert.match(status, /^Uid:\t(2\d{5})\t\1\t\1\t\1$/m);
    assert.equal(
      (await run("sh", "-c", "id -un")).out
        .split("\n")
        .filter((line) => !line.includes("LD_PRELOAD"))
        .join(""),
      "function",
    );
  });

  test("only /tmp and /dev/shm can be written, up to their size", async () => {
    for (const path of ["/code/new", "/etc/new", "/usr/new", "/new", "/dev/new", "/proc/sys/kernel/hostname"]) {
      assert.equal((await dialogue!.ask({ do: "write", path }))["ok"], false, path);
    }
    assert.equal((await dialogue!.ask({ do: "write", path: "/tmp/new" }))["ok"], true);
    assert.equal((await dialogue!.ask({ do: "write", path: "/dev/shm/new" }))["ok"], true);
    const full = await run("dd", "if=/dev/zero", "of=/dev/shm/big", "bs=1M", "count=300");
    assert.match(full.out, /No space left/);
    await run("rm", "/dev/shm/big");
  });

  test("the system calls that the filter refuses are refused by this kernel", async () => {
    const cpu = process.arch as FilteredCpu;
    const refused = Object.entries(REFUSED).flatMap(([name, numbers]) =>
      numbers[cpu] === undefined ? [] : [[name, numbers[cpu]] as const],
    );
    assert.match((await run("cat", "/proc/self/status")).out, /^Seccomp:\t2$/m);
    const { out } = await run("python3", "-c", SYSTEM_CALLS, JSON.stringify(refused), JSON.stringify(JUDGED), cpu);
    assert.equal(out.trim().split("\n").at(-1), "all as expected");
  });

  for (const diskMb of [512, 96]) {
    test(`/tmp is a disk of ${diskMb} MB: it can be filled with 128 MB of memory, and not more`, {
      skip: disksNeedRoot,
    }, async () => {
      const small = driver!.start(home!.spec({ diskMb, memoryMb: 128 }));
      await small.listening;
      const asked = await Dialogue.open(small);
      const write = async (file: string, megabytes: number) => {
        const command = ["dd", "if=/dev/zero", `of=/tmp/${file}`, "bs=1M", `count=${megabytes}`];
        return (await asked.ask({ do: "run", command })) as { code: number; out: string };
      };
      const all = await write("all", diskMb);
      assert.equal(all.code, 0, all.out);
      const more = await write("more", 1);
      assert.match(more.out, /No space left/);
      await asked.ask({
        do: "run",
        command: ["sh", "-c", "rm /tmp/*; i=0; while [ $i -lt 2000 ]; do : >/tmp/$i; i=$((i + 1)); done"],
      });
      assert.equal((await write("again", diskMb - 1)).code, 0);
      small.destroy();
      assert.equal((await small.exited).outOfMemory, false);
    });
  }

  test("/tmp is the instance's own and empty, and nothing of it is left on the host", async () => {
    const [one, two] = [driver!.start(home!.spec()), driver!.start(home!.spec())];
    const dialogues: Dialogue[] = [];
    for (const each of [one, two]) {
      await each.listening;
      dialogues.push(await Dialogue.open(each));
    }
    assert.equal((await dialogues[0]!.ask({ do: "write", path: "/tmp/mine" }))["ok"], true);
    const { out } = (await dialogues[1]!.ask({ do: "run", command: ["ls", "-A", "/tmp"] })) as { out: string };
    assert.equal(out, "");
    for (const each of [one, two]) each.destroy();
    await Promise.all([one.exited, two.exited]);
  });

  test("/tmp of an ordinary user's functions is memory, half of theirs at most", {
    skip: isRoot && "as root it is a disk",
  }, async () => {
    for (const [spec, megabytes] of [
      [{ diskMb: 96, memoryMb: 128 }, 64],
      [{ diskMb: 32, memoryMb: 128 }, 32],
    ] as const) {
      const small = driver!.start(home!.spec(spec));
      await small.listening;
      const command = ["stat", "-f", "-c", "%T %b %S", "/tmp"];
      const { out } = await (await Dialogue.open(small)).ask({ do: "run", command });
      assert.equal(out, `tmpfs ${megabytes * 256} 4096\n`);
      small.destroy();
      await small.exited;
    }
  });

  test("a disk that cannot be made: the start says so", { skip: disksNeedRoot }, async () => {
    const instance = driver!.start(home!.spec({ diskMb: 2 ** 30 }));
    await assert.rejects(instance.listening, /too (big|large)/i);
    await instance.exited;
  });

  test("its processes, its host name and its network are its own", async () => {
    const { out } = await run("sh", "-c", "ls -d /proc/[0-9]*");
    assert.ok(out.split("\n").filter((line) => line.startsWith("/proc/")).length < 8, out);
    assert.match((await run("cat", "/proc/sys/kernel/hostname")).out, new RegExp(instance!.id));
    const links = (await run("cat", "/proc/net/dev")).out.match(/^ *\w+:(?= *\d)/gm)?.map((name) => name.trim());
    assert.deepEqual(links, ["lo:", "eth0:"]);
  });

  test("the loopback of the host is not reachable", async () => {
    const server = createServer((socket) => socket.end("secret"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const script = `import socket; socket.create_connection(("127.0.0.1", ${port}), 2)`;
    const { out } = await run("python3", "-c", script);
    server.close();
    assert.match(out, /Connection refused/);
  });

  test("nor what listens on all addresses of the host, nor another instance", async (t) => {
    const server = createServer((socket) => socket.end("secret")).listen(0, "0.0.0.0");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    // Without the LD_PRELOAD, of which every program tells.
    const [one, two] = [driver!.start(home!.spec()), driver!.start(home!.spec())];
    await Promise.all([one.listening, two.listening]);
    const { eth0 } = await ownAddresses(await Dialogue.open(two));
    const hosts = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const targets: Target[] = hosts
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => ({ by: "tcp", host: address, port }));
    targets.push({ by: "tcp", host: eth0!, port: 9000 });
    for (const { result } of await reach(await Dialogue.open(one), targets)) {
      assert.ok(["ECONNREFUSED", "ENETUNREACH", "EPERM", "EHOSTUNREACH"].includes(result), result);
    }
    for (const instance of [one, two]) instance.destroy();
    await Promise.all([one.exited, two.exited]);
  });

  test("no descriptor of ours is open in it", async () => {
    const { out } = await run("sh", "-c", "ls -l /proc/$PPID/fd");
    const targets = [...out.matchAll(/ (\d+) -> (.+)$/gm)].filter(([, descriptor]) => Number(descriptor) <= 2);
    assert.match(targets[0]?.[2] ?? "", /^\/dev\/null$/);
    const others = [...out.matchAll(/ -> (.+)$/gm)].map(([, target]) => target!);
    assert.deepEqual(
      others.filter((target) => !/^(\/dev\/null|pipe:|socket:|anon_inode:)/.test(target)),
      [],
    );
  });

  test("Node.js comes from Sluice, wherever that is on the host", async () => {
    const hidden = `${home!.path}/hidden`;
    await mkdir(hidden, { mode: 0o700 });
    await copyFile(process.execPath, `${hidden}/node`);
    const setup = { ...spawnerSetup("sandbox"), nodePath: `${hidden}/node` };
    const other = await SpawnerDriver.open({ setup, output: () => {}, logger });
    const copy = other.start(home!.spec());
    await copy.listening;
    const open = await Dialogue.open(copy);
    const which = (await open.ask({ do: "run", command: ["sh", "-c", "command -v node"] }))["out"];
    assert.equal(which, "/opt/node/bin/node\n");
    await other.close();
  });

  test("a root file system of one's own in place of the host's", async () => {
    const root = `${home!.path}/root`;
    await copyPrograms(root, ["/bin/sh", "/usr/bin/setpriv", "/bin/ls", "/bin/cat"]);
    await mkdir(`${root}/etc`);
    await writeFile(`${root}/etc/os-release`, "NAME=Another\n");
    const open = (sandboxRoot: string) =>
      SpawnerDriver.open({
        setup: { ...spawnerSetup("sandbox"), configuration: { ...configuration, sandboxRoot } },
        output: (lines) => said.push(...lines.map(({ text }) => text)),
        logger,
      });
    const said: string[] = [];
    const other = await open(root);
    assert.deepEqual(await other.probe(), { works: true });
    const shown = other.start(
      home!.spec({ command: ["/bin/sh", "-c", "ls /usr/bin; cat /etc/os-release; ls /etc"], hasCommand: true }),
    );
    await shown.exited;
    await other.close();
    assert.ok(said.includes("NAME=Another"), said.join());
    assert.deepEqual(said.slice(0, 4), ["cat", "ls", "setpriv", "sh"]);
    assert.ok(!said.includes("alternatives"));
    const none = await open(`${home!.path}/hidden`);
    const result = await none.probe();
    await none.close();
    assert.match(result.works ? "" : result.reason, /hidden has no \/usr: name the folder of a Linux system/);
  });
});

/** Copies programs with the libraries that they are linked with, into the tree of a system below `root`. */
async function copyPrograms(root: string, programs: readonly string[]): Promise<void> {
  for (const folder of ["bin", "lib", "lib64"]) await mkdir(`${root}/usr/${folder}`, { recursive: true });
  for (const folder of ["bin", "lib", "lib64"]) await symlink(`usr/${folder}`, `${root}/${folder}`);
  for (const program of programs) {
    const { stdout } = await promisify(execFile)("ldd", [program]);
    const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library!);
    for (const file of [program, ...libraries]) {
      const target = join(root, file.startsWith("/usr/") ? file : `/usr${file}`);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(file, target);
    }
  }
}
