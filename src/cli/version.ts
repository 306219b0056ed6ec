import { readFileSync } from "node:fs";

/** Version of this Sluice: that of its package.json, which stands two folders up in a checkout and in an installation. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return (manifest as { version: string }).version;
}
