/**
 * The state of a stream (RFC 9113 §5.1), taken as two independent halves: what we send and what the peer sends.
 *
 *     HEAD ──head──▶ BODY ──last data or trailers given──▶ ENDING ──END_STREAM on its way──▶ CLOSED
 *
 * "open" is neither half closed, "half-closed (local)" our half alone, "closed" both. "Idle" streams have no object, and
 * "reserved" ones do not exist, since push is refused. A peer's half is never ENDING. A reset closes both halves at once.
 */
export const Half = { HEAD: 0, BODY: 1, ENDING: 2, CLOSED: 3 } as const;

export type Half = (typeof Half)[keyof typeof Half];
