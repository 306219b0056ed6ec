/** Largest zip as base64 in a request for a function (Function Compute, "Limits": 100 MB). */
export const ZIP_IN_BODY_MAX_BYTES = 100 * 1024 ** 2;
/** Largest zip by an upload of its own (Function Compute: 500 MB, from OSS). */
export const ZIP_UPLOAD_MAX_BYTES = 500 * 1024 ** 2;

/** Bounds of what a code package holds. */
export interface PackageLimits {
  readonly entryCountMax: number;
  /** Names, extra fields and comments of all entries: they are in memory together. */
  readonly directoryMaxBytes: number;
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
  entryCountMax: 50_000,
  directoryMaxBytes: 32 * 1024 ** 2,
  unpackedSizeMaxBytes: 1024 ** 3,
  ratioMax: 200,
  ratioFromBytes: 10 * 1024 ** 2,
  pathMaxBytes: 4096,
  segmentMaxBytes: 255,
  depthMax: 64,
  linkTargetMaxBytes: 4096,
};
