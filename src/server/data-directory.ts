import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartupError } from "./startup-error.ts";

/** What scripts and the other commands read to find a running Sluice. */
export interface Endpoint {
  readonly apiUrl: string;
  readonly grpcAddress: string;
  readonly caFile: string;
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly region: string;
  readonly domain: string;
  readonly pid: number;
  /** How other machines reach it; absent where the API listens on loopback alone. */
  readonly remote?: RemoteEndpoint;
}

export interface RemoteEndpoint {
  /** `https://HOST:PORT`. */
  readonly apiUrl: string;
  /** Absent where the gRPC port listens on loopback alone. */
  readonly grpcAddress?: string;
  /** Of the CA that the API's certificate is verified with; absent: it was configured, and the system's roots serve. */
  readonly caFile?: string;
}

/**
 * The one folder that Sluice keeps everything in, held by one process at a time. The lock is SQLite's on a file of its
 * own: the kernel takes it back however the process ends, so that there are no stale locks.
 */
export class DataDirectory {
  readonly path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
  }

  /** Makes the folder where it is missing, locks it and removes the `endpoint.json` of a run before. */
  static open(path: string): DataDirectory {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new StartupError(
        `Cannot make the data directory ${path}: ${(error as Error).message}. Choose another with --data DIR or SLUICE_DATA`,
      );
    }
    const lock = lockFile(join(path, "lock"), path);
    const directory = new DataDirectory(path, lock);
    rmSync(directory.endpointFile, { force: true });
    return directory;
  }

  get endpointFile(): string {
    return join(this.path, "endpoint.json");
  }

  /** Written by rename, so that nobody reads half of it. */
  writeEndpoint(endpoint: Endpoint): void {
    writeFileDurably(this.endpointFile, `${JSON.stringify(endpoint, undefined, 2)}\n`, 0o644);
  }

  close(): void {
    rmSync(this.endpointFile, { force: true });
    this.#lock.close();
  }
}

function lockFile(file: string, directory: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(
      "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (pid INTEGER); COMMIT;",
    );
    return database;
  } catch (error) {
    database?.close();
    const message = (error as Error).message;
    if (message.includes("locked")) {
      throw new StartupError(
        `The data directory ${directory} is in use by another Sluice${runningPid(directory)}. Stop that one, or choose another with --data DIR`,
      );
    }
    throw new StartupError(
      `Cannot write in the data directory ${directory}: ${message}. Choose another with --data DIR or SLUICE_DATA`,
    );
  }
}

function runningPid(directory: string): string {
  try {
    const endpoint = JSON.parse(readFileSync(join(directory, "endpoint.json"), "utf8")) as Endpoint;
    return ` (pid ${endpoint.pid})`;
  } catch {
    return "";
  }
}

/** Writes a file whole or not at all, also when the machine loses power. */
export function writeFileDurably(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  const descriptor = openSync(temporary, "w", mode);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
}

/** The text of a file, undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
