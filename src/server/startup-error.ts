/** Sluice cannot start: one line that says what is wrong, why, and what to do. Nothing was changed. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}
