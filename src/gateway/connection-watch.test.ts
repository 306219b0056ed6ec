import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConnectionView, ConnectionWatch } from "./connection-watch.ts";
import { type GatewayLimits, gatewayLimits } from "./limits.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const QUIET: ConnectionView = {
  openStreams: 0,
  lastPeerStreamId: 0,
  lastReceivedAtMs: 0,
  pingOutstandingSinceMs: -1,
  givenBytes: 0,
  untakenBytes: 0,
};

/** Looks once a second for `ms`; what was not fine, with its time. */
class Watched {
  readonly watch: ConnectionWatch;
  nowMs = 0;

  constructor(limits: Partial<GatewayLimits> = {}, jitter = 0.5) {
    this.watch = new ConnectionWatch(gatewayLimits(limits), 0, jitter);
  }

  pass(ms: number, view: (nowMs: number) => Partial<ConnectionView>): string[] {
    const said: string[] = [];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += SECOND_MS;
      const verdict = this.watch.look({ ...QUIET, lastReceivedAtMs: this.nowMs, ...view(this.nowMs) }, this.nowMs);
      if (verdict.kind !== "fine")
        said.push(`${this.nowMs} ${verdict.kind}${"token" in verdict ? ` ${verdict.token}` : ""}`);
    }
    return said;
  }
}

describe("connectionAgeMaxMs", () => {
  it("asks once to leave, with calls open or not, and the jitter spreads it", () => {
    for (const [jitter, atMs] of [
      [0, 3_240_000],
      [0.5, 3_600_000],
      [1, 3_960_000],
    ] as const) {
      const watched = new Watched({ idleConnectionTimeoutMs: 24 * HOUR_MS }, jitter);
      assert.deepEqual(
        watched.pass(3 * HOUR_MS, () => ({ openStreams: 1 })),
        [`${atMs} leave connection_age`],
      );
    }
  });
});

describe("idleConnectionTimeoutMs", () => {
  it("asks to leave when no call was open for so long; a call between two looks counts", () => {
    const watched = new Watched({ connectionAgeMaxMs: 24 * HOUR_MS });
    assert.deepEqual(
      watched.pass(HOUR_MS - SECOND_MS, () => ({})),
      [],
    );
    watched.pass(SECOND_MS, () => ({ lastPeerStreamId: 1 }));
    assert.deepEqual(
      watched.pass(2 * HOUR_MS, () => ({ lastPeerStreamId: 1 })),
      [`${2 * HOUR_MS} leave connection_idle`],
    );
  });

  it("lets a call stay open for hours", () => {
    const watched = new Watched({ connectionAgeMaxMs: 24 * HOUR_MS });
    assert.deepEqual(
      watched.pass(5 * HOUR_MS, () => ({ openStreams: 1, lastPeerStreamId: 1 })),
      [],
    );
  });
});

describe("clientSilenceMaxMs", () => {
  it("asks for a PING where a call is open and nothing came, and never without a call", () => {
    const silent = { lastReceivedAtMs: 0 };
    assert.deepEqual(
      new Watched().pass(10 * MINUTE_MS, () => silent),
      [],
    );
    const watched = new Watched();
    assert.deepEqual(
      watched.pass(MINUTE_MS, () => ({ ...silent, openStreams: 1 })),
      [`${MINUTE_MS} ping`],
    );
  });

  it("clientPingTimeoutMs later the client is lost, unless it said anything", () => {
    const watched = new Watched();
    const pinged = { openStreams: 1, pingOutstandingSinceMs: 0 };
    assert.deepEqual(
      watched.pass(HOUR_MS / 2, () => pinged),
      [],
      "it talks, though it answers no PING",
    );
    const lastReceivedAtMs = watched.nowMs;
    assert.equal(
      watched.pass(MINUTE_MS, () => ({ ...pinged, lastReceivedAtMs }))[0],
      `${lastReceivedAtMs + 20 * SECOND_MS} end client_unresponsive`,
    );
  });
});

describe("socketStallTimeoutMs", () => {
  it("ends a connection whose socket takes nothing of what waits", () => {
    const watched = new Watched();
    const stalled = { givenBytes: 300_000, untakenBytes: 200_000 };
    // The first look sees that 100,000 bytes were taken since the start.
    assert.equal(watched.pass(2 * MINUTE_MS, () => stalled)[0], `${61 * SECOND_MS} end socket_stalled`);
  });

  it("not one that takes a byte a minute, nor one for which nothing waits", () => {
    const watched = new Watched();
    const slow = (nowMs: number) => ({ givenBytes: 300_000, untakenBytes: 200_000 - Math.floor(nowMs / 59_000) });
    assert.deepEqual(watched.pass(HOUR_MS / 2, slow), []);
    assert.deepEqual(
      new Watched().pass(HOUR_MS / 2, () => ({ givenBytes: 300_000 })),
      [],
    );
  });
});
