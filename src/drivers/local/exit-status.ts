import { constants } from "node:os";

/** Two names may have one number; the first is the usual one (SIGABRT, SIGIOT). */
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .map(([name, number]) => [number, name] as const)
    .reverse(),
);
/** Shells, bubblewrap and unshare report an end by signal N as exit status 128 + N. */
const SIGNAL_BASE = 128;

/** How a program ended, from how the process around it did. */
export function exitStatus(
  code: number | null,
  signal: string | null,
): { readonly code: number | undefined; readonly signal: string | undefined } {
  if (signal !== null) return { code: undefined, signal };
  const name = code === null ? undefined : SIGNAL_NAMES.get(code - SIGNAL_BASE);
  if (name !== undefined) return { code: undefined, signal: name };
  return { code: code ?? undefined, signal: undefined };
}
