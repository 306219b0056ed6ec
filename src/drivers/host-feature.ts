/** Something that an isolation does for instances on this host, or cannot; for `sluice doctor`. */
export interface HostFeature {
  readonly name: string;
  readonly works: boolean;
  /** By what it works, or why it does not. */
  readonly detail: string;
  /** What to do to get more, a command where there is one; absent: nothing is missing. */
  readonly remedy?: string;
}
