import { accessSync, constants } from "node:fs";
import { delimiter, join, relative, resolve } from "node:path";
import { shellQuote } from "../client/client.ts";
import type { Context } from "./context.ts";

/** The launcher stands two folders up, in a checkout and in an installation. */
const LAUNCHER = resolve(import.meta.dirname, "..", "..", "bin", "sluice.js");

/** How this Sluice is called in a shell of the user: `sluice` where that is in PATH, else by its file. */
export function sluiceCommand(context: Context): string {
  const folders = (context.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  if (folders.some((folder) => isExecutable(join(folder, "sluice")))) return "sluice";
  const fromHere = relative(context.cwd, LAUNCHER);
  return `node ${shellQuote(fromHere.startsWith("..") ? LAUNCHER : fromHere)}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
