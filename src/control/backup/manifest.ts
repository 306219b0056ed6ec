/**
 * What a backup is: a zip with `manifest.json` first, `state.db`, each code package as `code/<sha256>.zip`, and below
 * `files/` what else the data directory keeps that cannot be made again: keys, credentials, the local CA.
 */
import { z } from "zod";
import { ApiError } from "../api-error.ts";

export const MANIFEST_NAME = "manifest.json";
export const DATABASE_NAME = "state.db";
const FORMAT = "sluice-backup";
/** Of the archive's layout. One of a later version is refused. */
const VERSION = 1;

/** Folders and files of the data directory that go below `files/`, by their names. */
const KEPT_FOLDERS = ["tls", "acme"];
const KEPT_FILE = /^(?!endpoint\.json$)[A-Za-z0-9][A-Za-z0-9_-]*\.(json|key|pem)$/;

const entryName = z
  .string()
  .regex(/^(state\.db|code\/[0-9a-f]{64}\.zip|files\/([a-z]+\/)?[A-Za-z0-9][A-Za-z0-9._-]*)$/);

const manifest = z.object({
  format: z.literal(FORMAT),
  version: z.number().int(),
  /** ISO 8601. */
  createdAt: z.string(),
  accountId: z.string(),
  /** Number of the last commit that it holds. */
  change: z.number().int(),
  files: z.array(z.object({ path: entryName, sizeBytes: z.number().int().min(0), sha256: z.string() })),
});

export type Manifest = z.output<typeof manifest>;
export type ManifestFile = Manifest["files"][number];

export function manifestOf(content: Omit<Manifest, "format" | "version">): Manifest {
  return { format: FORMAT, version: VERSION, ...content };
}

/** Throws an ApiError in the words of `unusable`. */
export function parseManifest(text: string): Manifest {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    unusable("its manifest is damaged");
  }
  const version = (given as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > VERSION) {
    unusable(`it was made by a newer Sluice (format ${version}, this one knows ${VERSION}): use that version`);
  }
  const parsed = manifest.safeParse(given);
  return parsed.success ? parsed.data : unusable("its manifest is not one of Sluice");
}

/** Whether a file or folder in the data directory itself goes into a backup. */
export function isKept(name: string, isFolder: boolean): boolean {
  return isFolder ? KEPT_FOLDERS.includes(name) : KEPT_FILE.test(name);
}

/** A backup that cannot be restored. */
export function unusable(why: string, cause?: unknown): never {
  throw new ApiError("InvalidArgument", `The backup cannot be used: ${why}. Nothing was changed`, { cause });
}
