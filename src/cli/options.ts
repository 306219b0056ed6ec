/** Options that several commands share, and parsers of option values. */
import { UsageError } from "./cli-error.ts";
import type { OptionDefinition } from "./command.ts";

export const dataOption: OptionDefinition = {
  flags: "--data <dir>",
  description: "data directory of the platform (default: ~/.sluice)",
};

export const jsonOption: OptionDefinition = {
  flags: "--json",
  description: "print one JSON document and nothing else on stdout",
};

export const templateOption: OptionDefinition = {
  flags: "-t, --template <file>",
  description: "the s.yaml to read (default: s.yaml or s.yml in this folder)",
};

export const yesOption: OptionDefinition = {
  flags: "-y, --assume-yes",
  description: "do not ask before anything is removed",
};

/** A whole number within bounds, both included. */
export function integerOption(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new UsageError(`expected a whole number from ${minimum} to ${maximum}, got "${text}"`);
    }
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration as `30`, `30s`, `500ms`, `2m` or `1h`; without a unit it is seconds. Gives milliseconds. */
export function durationOption(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? "s"];
  if (match === null || unitMs === undefined) {
    throw new UsageError(`expected a duration such as 30s, 500ms or 2m, got "${text}"`);
  }
  return Math.round(Number(match[1]) * unitMs);
}

const UNIT_MB: Readonly<Record<string, number>> = { MB: 1, GB: 1024 };

/** A share of a total, as `75%`, or an amount of memory, as `4096`, `4096MB` or `4GB`. Gives megabytes, at least 1. */
export function memoryOption(totalMb: number): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(%|MB|GB)?$/i.exec(text);
    const unit = (match?.[2] ?? "MB").toUpperCase();
    const number = Number(match?.[1]);
    const megabytes = Math.floor(unit === "%" ? (totalMb * number) / 100 : number * (UNIT_MB[unit] ?? Number.NaN));
    if (!(megabytes >= 1 && megabytes <= totalMb)) {
      throw new UsageError(
        `expected a share or an amount of this machine's ${totalMb} MB, as 75% or 4GB, got "${text}"`,
      );
    }
    return megabytes;
  };
}

/** Collects the values of a flag that may come several times. */
export function repeatedOption(text: string, previous: unknown): string[] {
  return [...(Array.isArray(previous) ? (previous as string[]) : []), text];
}
