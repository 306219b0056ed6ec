/** What the guest writes to its second serial port: JSON, one a line. */
export type GuestLine =
  /** The guest's system is up. */
  | { readonly type: "booted" }
  | ({ readonly type: "test" } & GuestTest)
  /** All files have been run. */
  | { readonly type: "end" };

/** The end of one test. */
export interface GuestTest {
  /** With the names of the suites around it. */
  readonly name: string;
  /** Why it failed; absent: it did not. */
  readonly failure?: string;
  /** Why it was skipped; absent: it was not. */
  readonly skipped?: string;
}
