/**
 * Runs programs of this checkout as a real user without any privilege, for tests that root runs: with a home of its own,
 * and the checkout bound to a folder there, read-only, since the folders on the way to it may be closed to others. The
 * examples in it are a copy of the user's own: to deploy them writes into them.
 */
import { execFile } from "node:child_process";
import { chownSync, mkdtempSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { quote } from "../local/shell-words.ts";

/** Of nobody on this machine; below the ids of functions. */
const UID = 190_001;
const CHECKOUT = resolve(import.meta.dirname, "..", "..", "..");
/** Character device 10, 200 (kernel: networking/tuntap), in place of one that root alone may open. */
const OPEN_TUN = `if [ -c /dev/net/tun ]; then
  mount -t tmpfs -o mode=0755,size=4k test /dev/net
  mknod -m 666 /dev/net/tun c 10 200
fi`;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface UserResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class OrdinaryUser {
  readonly uid = UID;
  readonly home: string;
  readonly #mayOpenTun: boolean;

  private constructor(home: string, mayOpenTun: boolean) {
    this.home = home;
    this.#mayOpenTun = mayOpenTun;
  }

  /** `mayOpenTun` as on most systems: udev opens /dev/net/tun for everybody. */
  static async create({ mayOpenTun = true } = {}): Promise<OrdinaryUser> {
    const user = new OrdinaryUser(await mkdtemp(join(tmpdir(), "ordinary-user-test-")), mayOpenTun);
    for (const folder of [user.home, join(user.home, "checkout"), join(user.home, "tmp")]) {
      await mkdir(folder, { recursive: true });
      await chown(folder, UID, UID);
      await chmod(folder, 0o700);
    }
    const examples = join(user.home, "examples");
    await cp(join(CHECKOUT, "examples"), examples, { recursive: true });
    for (const entry of await readdir(examples, { recursive: true })) await chown(join(examples, entry), UID, UID);
    return user;
  }

  /** The command that runs another one as the user, in the checkout. */
  command(words: readonly string[]): readonly string[] {
    const identity = ["--reuid", String(UID), "--regid", String(UID), "--clear-groups", "--bounding-set=-all"];
    return this.rootCommand(["setpriv", ...identity, ...words]);
  }

  /**
   * The command that runs another one as root still, with what the user is to see. The mounts are in a namespace of its own
   * and end with what runs there.
   */
  rootCommand(words: readonly string[]): readonly string[] {
    const checkout = quote(join(this.home, "checkout"));
    const script = [
      `mount --bind ${quote(CHECKOUT)} ${checkout}`,
      `mount -o remount,bind,ro ${checkout}`,
      `mount --bind ${quote(join(this.home, "examples"))} ${checkout}/examples`,
      ...(this.#mayOpenTun ? [OPEN_TUN] : []),
      `cd ${checkout}`,
      'exec "$@"',
    ];
    return ["unshare", "--mount", "/bin/sh", "-ec", script.join("\n"), "sh", ...words];
  }

  get environment(): Record<string, string> {
    const { PATH = "", CI = "" } = process.env;
    return { HOME: this.home, TMPDIR: join(this.home, "tmp"), PATH, CI };
  }

  /** A path of the checkout as the user sees it. */
  path(file: string): string {
    return join(this.home, "checkout", relative(CHECKOUT, file));
  }

  /** Runs Node.js with `args`, in the checkout, to its end. */
  node(args: readonly string[], limitMs: number): Promise<UserResult> {
    const [program = "", ...rest] = this.command([this.nodePath, ...args]);
    return new Promise((done) => {
      const options = { env: this.environment, timeout: limitMs, maxBuffer: OUTPUT_BYTES_MAX };
      execFile(program, rest, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        done({ code, stdout, stderr });
      });
    });
  }

  /** A folder of the user's, new. */
  newFolder(): string {
    const folder = mkdtempSync(join(this.home, "folder-"));
    chownSync(folder, UID, UID);
    return folder;
  }

  /** The Node.js that runs this; where it is part of the checkout, as the user sees it. */
  get nodePath(): string {
    return process.execPath.startsWith(`${CHECKOUT}/`) ? this.path(process.execPath) : process.execPath;
  }

  async remove(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}
