/** Bounds of a code package. */
export interface PackageLimits {
  /** The zip itself. Function Compute: 100 MB through the API. */
  readonly zipSizeMaxBytes: number;
  readonly entryCountMax: number;
  /** All files together, unpacked. */
  readonly unpackedSizeMaxBytes: number;
  /** Unpacked size over packed size of one file, looked at from `ratioFromBytes` on. Deflate itself ends near 1,030. */
  readonly ratioMax: number;
  readonly ratioFromBytes: number;
  readonly pathMaxBytes: number;
  readonly segmentMaxBytes: number;
  readonly depthMax: number;
  readonly linkTargetMaxBytes: number;
}

export const PACKAGE_LIMITS: PackageLimits = {
  zipSizeMaxBytes: 100 * 1024 ** 2,
  entryCountMax: 50_000,
  unpackedSizeMaxBytes: 1024 ** 3,
  ratioMax: 200,
  ratioFromBytes: 10 * 1024 ** 2,
  pathMaxBytes: 4096,
  segmentMaxBytes: 255,
  depthMax: 64,
  linkTargetMaxBytes: 4096,
};
