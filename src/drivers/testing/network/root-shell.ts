/** A scene that becomes an ordinary user keeps a shell of root's, for what it changes on its host later. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

let shell: ChildProcessByStdio<Writable, Readable, null> | undefined;

/** As whom the drivers of this scene run; undefined: root. */
export const sceneUid = process.env["SCENE_UID"] === undefined ? undefined : Number(process.env["SCENE_UID"]);

/** To be called once the host is set up. */
export function becomeSceneUser(): void {
  if (sceneUid === undefined) return;
  shell = spawn("/bin/sh", { stdio: ["pipe", "pipe", "inherit"] });
  process.setgroups!([]);
  process.setgid!(sceneUid);
  process.setuid!(sceneUid);
}

/** Runs a command that must succeed, as root. */
export async function asRoot(command: string): Promise<void> {
  shell ??= spawn("/bin/sh", { stdio: ["pipe", "pipe", "inherit"] });
  shell.stdin.write(`${command} && echo done || echo failed\n`);
  const [said] = (await once(shell.stdout, "data")) as [Buffer];
  if (said.toString() !== "done\n") throw new Error(`${command}: ${said.toString()}`);
}

export function endRootShell(): void {
  shell?.stdin.end();
}
