/**
 * From spawn until calls are taken, of every policy, so that policies are compared and not platforms: what a sandboxed
 * start takes (docs/performance.md, cold-start, p50).
 */
export const START_MS = 15;
