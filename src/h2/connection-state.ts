import { STREAM_ID_MAX } from "./frames.ts";

/** What the parts of one connection share beside its streams: its time, its end, the GOAWAYs of both sides, its PING. */
export class ConnectionState {
  /** Nothing is received or sent any more. */
  isOver = false;
  /** -1 until the first tick, as are points in time taken from it. */
  nowMs = -1;
  lastReceivedAtMs = -1;
  /** The highest id of a stream that the peer opened and that was looked at. */
  lastHandedId = 0;
  /** Streams of the peer above this are refused: our GOAWAY said so. */
  acceptsUpToId = STREAM_ID_MAX;
  goesAway = false;
  /** The same of the peer. */
  peerAcceptsUpToId = STREAM_ID_MAX;
  peerGoesAway = false;
  closesWhenIdle = false;
  /** The peer acknowledged our SETTINGS (RFC 9113 §6.5.3). */
  settingsAcknowledged = false;
  /** SETTINGS of ours that the peer has not acknowledged yet; it does so in order (RFC 9113 §6.5.3). */
  settingsOutstanding = 0;
  /** -1: none. */
  pingOutstandingSinceMs = -1;
  #pings = 0;

  /** The payload of a new PING: its number. */
  beginPing(nowMs: number): Buffer {
    this.pingOutstandingSinceMs = nowMs;
    this.#pings++;
    return this.#pingPayload();
  }

  /** Only the answer to the last PING counts. */
  pingAcknowledged(payload: Buffer): void {
    if (this.#pingPayload().equals(payload)) this.pingOutstandingSinceMs = -1;
  }

  #pingPayload(): Buffer {
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(this.#pings);
    return payload;
  }
}
