/** The `grpc-timeout` header (gRPC over HTTP/2, "Timeout"): at most eight digits and a unit. */

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Milliseconds of a `grpc-timeout` value; undefined where it is malformed (then it is passed on and not enforced). */
export function parseGrpcTimeout(value: string): number | undefined {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] as string] as number);
}

/** The value for what remains: the finest unit that fits eight digits; never less than 1 ns. Rounds down. */
export function formatGrpcTimeout(remainingMs: number): string {
  if (remainingMs < 100) return `${Math.max(1, Math.floor(remainingMs * 1e6))}n`;
  if (remainingMs < 100_000) return `${Math.floor(remainingMs * 1e3)}u`;
  if (remainingMs < 100_000_000) return `${Math.floor(remainingMs)}m`;
  if (remainingMs < 100_000_000_000) return `${Math.floor(remainingMs / 1000)}S`;
  return `${Math.min(99_999_999, Math.floor(remainingMs / 3_600_000))}H`;
}
