/**
 * A function that means harm, with internet access and an eighth of the machine's CPU, beside one that does not: what it
 * tries against files, processes, network, kernel and limits fails, and the other function is served as before.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, describe, test } from "node:test";
import { OrdinaryUser } from "../../src/drivers/testing/ordinary-user.ts";
import { callOnce, folderOf, goMissing, type Job, missingPart, runJob, testPrograms } from "../support/clients.ts";
import { descendantsOf } from "../support/processes.ts";
import { sandboxMissing } from "../support/sandbox.ts";
import { eventually, type Info, runCommand, Sluice } from "../support/sluice.ts";

const pythonMissing = missingPart(
  (await runCommand("python3", ["--version"]).catch(() => ({ code: 1 }))).code === 0
    ? undefined
    : "Python 3 is not installed",
);

/**
 * What hostile function, victim, its client and the gateway add to a call where they share two cores; the figure of a quiet
 * machine is in docs/performance.md.
 */
const SHARED_MACHINE_MS = 50;

const SUBJECTS = [
  { title: "a hostile function in the sandbox", isRoot: true },
  { title: "a hostile function in the sandbox of an ordinary user", isRoot: false },
] as const;

for (const { title, isRoot } of SUBJECTS)
  describe(title, { skip: sandboxMissing || goMissing || pythonMissing }, () => {
    let user: OrdinaryUser | undefined;
    let sluice: Sluice;
    let hostile: Info;
    let victim: Info;

    before(async () => {
      user = isRoot ? undefined : await OrdinaryUser.create();
      sluice = await Sluice.start({
        isolation: "sandbox",
        env: { ...process.env, ...user?.environment, OF_THE_HOST: "a secret of the host" },
        ...(user && { as: user }),
      });
      await deploy("1");
      await runJob(sluice, victim, { kind: "unary", payload: "warm" });
    });
    after(async () => {
      await sluice?.stop();
      await user?.remove();
    });

    /** Another round is another revision: instances of its own. */
    async function deploy(round: string): Promise<void> {
      const { go } = await testPrograms();
      const infos = await sluice.deployAll([
        {
          name: "hostile",
          codeUri: folderOf(go.hostile),
          internetAccess: true,
          service: "evil",
          function: {
            cpu: 0.25,
            memorySize: 256,
            instanceConcurrency: 10,
            environmentVariables: { ROUND: round },
            customRuntimeConfig: { command: ["./hostile"] },
          },
        },
        {
          name: "victim",
          codeUri: folderOf(go.echo),
          function: { instanceConcurrency: 100, customRuntimeConfig: { command: ["./echo"] } },
        },
      ]);
      hostile = infos.get("hostile")!;
      victim = infos.get("victim")!;
    }

    /** What a script in the hostile function printed. */
    const run = async (script: string, job: Job = {}): Promise<string> => {
      const report = await callOnce(sluice, hostile, { ...job, payload: script });
      assert.equal(report.code, "OK", `${report.message} in: ${script}`);
      return decodeURIComponent((report.trailers?.["x-output"]?.[0] ?? "").replaceAll("+", " "));
    };
    const python = (script: string) => run(`python3 - <<'END'\n${script}\nEND`);
    const processOf = (command: string) =>
      eventually(`the process of ${command}`, () =>
        descendantsOf(sluice.endpoint.pid).find(({ commandLine }) => commandLine.startsWith(command)),
      );

    test("files: of the host and of other functions it reads nothing, and it writes nowhere but in /tmp", async () => {
      const secrets = [
        "/etc/shadow",
        "/root",
        "/home",
        "/sys",
        "/run",
        sluice.dataDir,
        `${sluice.dataDir}/credentials.json`,
      ];
      for (const path of secrets) {
        assert.match(await run(`ls -la ${path} 2>&1 || cat ${path}`), /No such file/, path);
      }
      const outside = await run(
        "ls /proc/1/root/root; ls /proc/self/root/root; cat /proc/1/environ; ls -la /proc/1/fd 2>&1",
      );
      assert.doesNotMatch(outside, /a secret of the host|sluice\.db/);
      const written = await run(
        "for f in /code/x /usr/x /etc/x /x /opt/node/bin/x /proc/sys/kernel/core_pattern /dev/mem /dev/sda; do echo x >$f && echo wrote $f; done; echo x >>/code/hostile && echo changed; true",
      );
      assert.doesNotMatch(written, /wrote|changed/);
      assert.match(
        await run("mknod /tmp/disk b 254 0 2>&1; echo x >/tmp/mine && cat /tmp/mine"),
        /not permitted[\s\S]*x\n$/,
      );
      const setuid = await run("cp /bin/sh /tmp/sh && chmod u+s /tmp/sh && /tmp/sh -pc 'id -u'");
      assert.doesNotMatch(setuid, /^0$/m);
    });

    test("processes: it sees its own alone, and signals none of the host's", async () => {
      const gateway = sluice.endpoint.pid;
      const neighbour = (await processOf("./echo")).pid;
      const out = await run(`ls -d /proc/[0-9]*; kill -9 ${gateway} ${neighbour} -1 2>&1; true`).catch(() => "ended");
      // kill -1 may take the function itself: the next call starts it anew.
      if (out !== "ended") assert.ok((out.match(/^\/proc\//gm) ?? []).length < 12, out);
      assert.equal((await callOnce(sluice, victim)).code, "OK");
      assert.equal((await processOf("./echo")).pid, neighbour);
      assert.ok(await eventually("it serves again", async () => (await run("echo here")).includes("here")));
    });

    test("network: neither the API, nor the gateway, nor a listener of the host, nor another instance answers", async () => {
      const listener = createServer((socket) => socket.end("secret")).listen(0, "0.0.0.0");
      await once(listener, "listening");
      const port = (listener.address() as { port: number }).port;
      const api = Number(new URL(sluice.endpoint.apiUrl).port);
      const grpc = Number(sluice.endpoint.grpcAddress.split(":").at(-1));
      const addresses = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
        (all ?? [])
          .map(({ address, family }) => (family === "IPv6" && address.startsWith("fe80") ? `${address}%eth0` : address))
          .filter(() => name !== "lo"),
      );
      const neighbours = [addressOf((await processOf("./echo")).pid)];
      const targets = [
        ...["127.0.0.1", ...addresses].flatMap((host) => [port, api, grpc].map((each) => [host, each])),
        ...neighbours.map((host) => [host, 8089]),
        ...["169.254.169.254", "100.100.100.200"].map((host) => [host, 80]),
      ];
      const out = await python(`
import json, socket, concurrent.futures
own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
def attempt(target):
    host, port = target
    if host in own: return None
    try:
        connection = socket.create_connection((host, port), 2)
        return f"connected {host} {port} {connection.recv(10)!r}"
    except Exception: return None
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    reached = [answer for answer in pool.map(attempt, json.loads('''${JSON.stringify(targets)}''')) if answer]
print(reached or "nothing")
`);
      listener.close();
      assert.equal(out.trim(), "nothing");
    });

    test("kernel: no mount, no tracing, no modules, no namespaces, no raw sockets, no privileges", async () => {
      const tried = await run(
        [
          "mount -t tmpfs none /tmp && echo mounted",
          "umount /proc && echo unmounted",
          "unshare -U true && echo user namespace",
          "unshare -r -n true && echo network namespace",
          "nsenter -t 1 -m true && echo entered",
          "chroot / true && echo chrooted",
          "hostname evil && echo renamed",
          "date -s 2001-01-01 && echo time set",
          "dmesg && echo kernel log",
          "su -c id; sudo id; setpriv --reuid 0 id && echo root",
          "true",
        ].join("; "),
      );
      for (const word of [
        "mounted",
        "namespace",
        "entered",
        "chrooted",
        "renamed",
        "time set",
        "kernel log",
        "uid=0",
      ]) {
        assert.ok(!tried.includes(`\n${word}`) && !tried.startsWith(word), `${word}: ${tried}`);
      }
      const out = await python(`
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
broken = []
if libc.ptrace(16, 1, 0, 0) == 0: broken.append("ptrace")
for name, number in (("init_module", 175), ("finit_module", 313), ("bpf", 321), ("io_uring_setup", 425), ("kexec_load", 246)):
    if libc.syscall(number, 0, 0, 0) >= 0: broken.append(name)
for family in (17, 38, 40):
    try: socket.socket(family, socket.SOCK_RAW, 0); broken.append(f"socket {family}")
    except OSError: pass
try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); broken.append("raw socket")
except OSError: pass
status = open("/proc/self/status").read()
for field in ("CapEff", "CapPrm", "CapBnd"):
    if int(status.split(field + ":")[1].split()[0], 16): broken.append(field)
if "NoNewPrivs:\\t1" not in status: broken.append("NoNewPrivs")
print(broken or "nothing")
`);
      assert.equal(out.trim(), "nothing");
    });

    test("limits: beside a fork bomb, a full disk and a busy loop the other function's calls all succeed, and soon", {
      skip: limitsNeedRoot(isRoot),
    }, async (context) => {
      const call = {
        kind: "unary",
        payload: "x",
        durationMs: 5_000,
        ratePerSecond: 200,
        workers: 50,
        deadlineMs: 10_000,
      } as const;
      await runJob(sluice, victim, { ...call, durationMs: 1_000 });
      const quiet = await runJob(sluice, victim, call);
      const attacks = [
        run("bomb() { bomb | bomb & }; bomb; sleep 6; true", { metadata: { "x-limit-ms": "7000" } }),
        run("for i in 1 2 3 4; do (while :; do :; done) & done; sleep 6; kill %1 %2 %3 %4; true", {
          metadata: { "x-limit-ms": "7000" },
        }),
        run("dd if=/dev/zero of=/tmp/full bs=1M 2>&1; true", { metadata: { "x-limit-ms": "7000" } }),
      ].map((attack) => attack.catch(() => "ended"));
      const attacked = await runJob(sluice, victim, call);
      await Promise.all(attacks);
      context.diagnostic(`p99 ${quiet.latencyMs.p99} ms quiet, ${attacked.latencyMs.p99} ms under attack`);
      assert.deepEqual(attacked.codes, { OK: attacked.calls });
      assert.ok(
        attacked.latencyMs.p99 <= 2 * quiet.latencyMs.p99 + SHARED_MACHINE_MS,
        `${attacked.latencyMs.p99} ms, quiet ${quiet.latencyMs.p99}`,
      );
    });

    test("memory: what takes too much ends as FunctionOOM, alone", { skip: limitsNeedRoot(isRoot) }, async () => {
      // The instance of before has no process left to start.
      await deploy("2");
      const report = await callOnce(sluice, hostile, { payload: "python3 -c 'x = b\"x\" * (1 << 30)'; sleep 5" });
      assert.equal(report.errorType, "FunctionOOM", report.message);
      assert.equal((await callOnce(sluice, victim)).code, "OK");
    });

    test("life: what it leaves running in a session of its own ends with it", async () => {
      const seconds = `4711${process.pid}`;
      await run(`setsid sh -c 'trap "" TERM HUP INT; nohup sleep ${seconds}' >/dev/null 2>&1 & sleep 0.3`);
      const running = () =>
        descendantsOf(sluice.endpoint.pid).filter(({ commandLine }) => commandLine.includes(seconds));
      assert.ok(running().length > 0, "it runs");
      await sluice
        .ok(["remove", "-y", "evil"])
        .catch(() => sluice.ok(["remove", "-y", "-t", `${sluice.dataDir}/test-specifications/hostile/s.yaml`]));
      await eventually("it is gone", () => running().length === 0, 15_000);
      const left = spawn("pgrep", ["-f", seconds], { stdio: "ignore" });
      assert.deepEqual((await once(left, "exit"))[0], 1);
    });
  });

function limitsNeedRoot(isRoot: boolean): string | false {
  return isRoot ? false : "CPU and memory are limited by control groups, which are root's here";
}

/** IPv4 address of the instance in which a process runs. */
function addressOf(pid: number): string {
  const args = ["-t", String(pid), "-n", "ip", "-o", "-4", "addr", "show", "eth0"];
  const { stdout } = spawnSync("nsenter", args, { encoding: "utf8" });
  const address = / inet ([\d.]+)\//.exec(stdout)?.[1];
  assert.ok(address !== undefined, stdout);
  return address;
}
