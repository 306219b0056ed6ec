/** What `sluice doctor` finds out. It works beside a Sluice that runs, and without a data directory. */
import { arch, availableParallelism, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../base/base.ts";
import { findLeftovers, type InspectedDriver, inspectHost } from "../drivers/drivers.ts";
import { loadConfiguration } from "./configuration.ts";
import { driverConfiguration } from "./driver-configuration.ts";
import { readOpenFilesMax } from "./open-files.ts";

export interface DoctorReport {
  readonly host: {
    readonly system: string;
    readonly cpu: string;
    readonly cpus: number;
    readonly memoryMb: number;
    readonly isRoot: boolean;
    readonly nodeVersion: string;
    /** Files that a process may have open; null: no limit is known. */
    readonly openFilesMax: number | null;
  };
  /** As configured. */
  readonly isolation: string;
  /** What a start would take; null: none of what is configured works. */
  readonly chosen: string | null;
  readonly isolations: readonly InspectedDriver[];
  readonly leftovers: readonly { readonly what: string; readonly removed: boolean; readonly reason?: string }[];
}

export interface DoctorOptions {
  readonly dataDir: string;
  readonly configFile?: string;
  /** Remove what dead runs have left. */
  readonly clean: boolean;
}

/** Tries every isolation with a real start. Throws a StartupError where the configuration is wrong. */
export async function examineHost({ dataDir, configFile, clean }: DoctorOptions): Promise<DoctorReport> {
  const configuration = loadConfiguration(configFile ?? join(dataDir, "config.yaml"), configFile !== undefined);
  const leftovers = await Promise.all(
    (await findLeftovers()).map(async ({ what, remove }) => {
      if (!clean) return { what, removed: false };
      return remove().then(
        () => ({ what, removed: true }),
        (error: Error) => ({ what, removed: false, reason: error.message }),
      );
    }),
  );
  const isolations = await inspectHost({
    output: () => {},
    logger: silentLogger,
    configuration: driverConfiguration(configuration),
  });
  const { isolation } = configuration;
  const chosen = isolations.find(({ name, works }) => works && (isolation === "auto" || isolation === name));
  const openFilesMax = readOpenFilesMax();
  return {
    host: {
      system: `${platform()} ${release()}`,
      cpu: arch(),
      cpus: availableParallelism(),
      memoryMb: Math.floor(totalmem() / 1024 ** 2),
      isRoot: process.getuid?.() === 0,
      nodeVersion: process.version,
      openFilesMax: Number.isFinite(openFilesMax) ? openFilesMax : null,
    },
    isolation,
    chosen: chosen?.name ?? null,
    isolations,
    leftovers,
  };
}
