/** A number from 0 (included) to 1 (not included). Everything outside src/base is given one, so that tests decide. */
export type Random = () => number;

/** For jitter, never for secrets. */
export const systemRandom: Random = () => Math.random();
