/**
 * Why the store refused: `conflict` an expectation did not hold · `full` no room, nothing was written, works again
 * when there is · `newer` written by a later Sluice · `corrupt` damaged or no database · `unusable` cannot be opened
 * or written · `closed` used after close.
 */
export type StoreErrorCode = "conflict" | "full" | "newer" | "corrupt" | "unusable" | "closed";

/** What went wrong in the store, in one line that says what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}
