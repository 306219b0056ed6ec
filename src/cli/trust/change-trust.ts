import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { shellQuote } from "../../client/client.ts";
import { CliError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { dataDirectory } from "../data-directory.ts";
import { isNameConstrained, type LocalCaFile, type TrustStep, trustStore } from "./trust-store.ts";

/** The CA of a data directory, running or not; or the one that the environment names. Throws a CliError. */
export function readLocalCa(context: Context, dataFlag: string | undefined): LocalCaFile {
  const named = dataFlag === undefined ? context.env["SLUICE_CA_FILE"] : undefined;
  const path = named || join(dataDirectory(context, dataFlag), "tls", "ca.pem");
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    const what = (error as Error).message;
    throw new CliError(
      `cannot read the local CA: ${what}: it is made when Sluice starts; name the data directory with --data DIR`,
      { cause: error },
    );
  }
  try {
    return { path, pem, certificate: new X509Certificate(pem) };
  } catch (error) {
    throw new CliError(`${path} is no certificate in PEM`, { cause: error });
  }
}

/** Installs the CA, or removes what was installed; gives what was done. Throws a CliError. */
export async function changeTrust(ca: LocalCaFile, remove: boolean, dataFlag: string | undefined): Promise<string[]> {
  if (!remove && !isNameConstrained(ca.certificate)) {
    throw new CliError(
      `${ca.path} can vouch for any name: whoever has its key could pass for every site, so it is not installed; give it to ` +
        "single clients ('sluice trust --print' shows how)",
    );
  }
  const store = trustStore(process.platform);
  if (store === undefined) {
    throw new CliError(
      "this system's trust store is none that Sluice knows (Debian, Fedora, Arch Linux, macOS): install " +
        `${ca.path} by its own means, or tell single clients ('sluice trust --print' shows how)`,
    );
  }
  const steps = remove
    ? store.remove(ca, store.directory === undefined ? [] : readdirSync(store.directory))
    : store.install(ca);
  if (steps.length === 0) return [`Nothing of Sluice's is in ${store.name}`];
  const again = `sudo sluice trust${remove ? " --remove" : ""} --data ${shellQuote(dataFlag ?? "DIR")}`;
  const done: string[] = [];
  for (const step of steps) done.push(await takeStep(step, `this needs root, for instance '${again}'`));
  const subject = ca.certificate.subject.replace(/^CN=/, "");
  done.push(remove ? `${store.name} holds no CA of Sluice's any more` : `${store.name} holds ${subject} now`);
  return done;
}

async function takeStep(step: TrustStep, hint: string): Promise<string> {
  try {
    switch (step.kind) {
      case "write":
        writeFileSync(step.path, step.text, { mode: 0o644 });
        return `Wrote ${step.path}`;
      case "delete":
        rmSync(step.path);
        return `Removed ${step.path}`;
      case "run": {
        const [program, ...args] = step.command;
        // Where sudo or a bare shell has a short PATH, they are here.
        const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin` };
        await promisify(execFile)(program, args, { env });
        return `Ran ${step.command.join(" ")}`;
      }
      default:
        throw new Error(`Unknown step ${JSON.stringify(step satisfies never)}`);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    const isRoot = process.getuid?.() === 0;
    const what = step.kind === "run" ? `${step.command.join(" ")} failed` : `cannot change ${step.path}`;
    throw new CliError(`${what}: ${message.trim().replaceAll("\n", " ")}${denied || !isRoot ? `: ${hint}` : ""}`, {
      cause: error,
    });
  }
}
