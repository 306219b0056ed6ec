/**
 * Why a code package was refused: `invalid` says what in the zip is not acceptable, `full` that the disk has no room.
 * Nothing of a refused package is kept.
 */
export class PackageError extends Error {
  readonly code: "invalid" | "full";
  constructor(code: "invalid" | "full", message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PackageError";
    this.code = code;
  }
}

export function refuse(message: string): never {
  throw new PackageError("invalid", message);
}
