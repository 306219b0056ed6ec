import { statfs } from "node:fs/promises";
import { PackageError } from "./package-error.ts";

/** Left free for everything else that Sluice writes: its database, logs. */
const RESERVED_BYTES = 64 * 1024 ** 2;

/** Rejects with a PackageError `full` where the disk of `folder` has no room for so many bytes more. */
export async function checkFreeSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (neededBytes + RESERVED_BYTES <= bavail * bsize) return;
  const megabytes = (bytes: number) => Math.ceil(bytes / 1024 ** 2);
  throw new PackageError(
    "full",
    `The disk has no room for the code package: ${megabytes(neededBytes + RESERVED_BYTES)} MB are needed in ${folder} ` +
      `(${megabytes(RESERVED_BYTES)} MB of them stay free), and ${Math.floor((bavail * bsize) / 1024 ** 2)} MB are there`,
  );
}

/** An error of the file system that says the disk or the quota is full as a PackageError; any other as it is. */
export function asRoomError(error: unknown): unknown {
  const isFull = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
  return isFull ? new PackageError("full", "The disk has no room for the code package", { cause: error }) : error;
}
