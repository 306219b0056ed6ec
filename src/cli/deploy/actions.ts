import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Context, note } from "../context.ts";
import { YamlError } from "../s-yaml/node.ts";
import type { Template } from "../s-yaml/template.ts";
import type { Action } from "./plan.ts";

/**
 * Runs hooks of s.yaml one after the other, `path` relative to s.yaml; what they print goes to stderr. Throws where one
 * ends with another exit code than 0. Hooks of other kinds than `run` are told of and passed over.
 */
export async function runActions(actions: readonly Action[], template: Template, context: Context): Promise<void> {
  for (const { props, place } of actions) {
    if (props.run === undefined) {
      const what = props.component ?? props.plugin ?? "an empty action";
      note(context, `${place.file}:${place.line}: not run, Sluice runs only actions of the kind run: ${what}`);
      continue;
    }
    const folder = resolve(template.folder, props.path ?? ".");
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
      throw new YamlError(place, `path: expected a folder to run "${props.run}" in, but ${folder} is none`);
    }
    note(context, `Running ${props.run}`);
    const child = spawn(props.run, { cwd: folder, env: template.env, shell: true, stdio: ["inherit", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => context.stderr.write(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => context.stderr.write(chunk));
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    if (code !== 0) {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      throw new YamlError(place, `"${props.run}" ended with ${how}: nothing after it was done`);
    }
  }
}
