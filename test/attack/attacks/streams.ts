/** Streams opened for their own sake: reset, provoked to be reset, too many (CVE-2023-44487, CVE-2025-8671). */
import { Flag, FrameType } from "../../../src/h2/frames.ts";
import { ErrorCode } from "../../../src/h2/h2.ts";
import { data, frame, reset, uint32, windowUpdate } from "../../../src/h2/testing/script.ts";
import type { Attack } from "../support/attack.ts";
import { type Attacker, headersOf } from "../support/attacker.ts";

const MADE_YOU_RESET = "MadeYouReset, CVE-2025-8671";
const LARGEST_INCREMENT = 2 ** 31 - 1;

/** One stream under way, then what should make the gateway reset it, again and again. */
async function provoke(attacker: Attacker, provocation: (streamId: number) => Buffer): Promise<void> {
  await attacker.flood(2000, () => {
    const id = attacker.nextStream();
    return Buffer.concat([attacker.sleeping(id), provocation(id)]);
  });
}

export const streamAttacks: readonly Attack[] = [
  {
    name: "rapid reset",
    source: "CVE-2023-44487",
    limits: ["resetsBurst", "resetsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "reset_flood" },
    async play(attacker) {
      await attacker.flood(20_000, () => {
        const id = attacker.nextStream();
        return Buffer.concat([attacker.opening(id), reset(id, ErrorCode.CANCEL)]);
      });
    },
  },
  {
    name: "made you reset: WINDOW_UPDATE of 0",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "PROTOCOL_ERROR", token: "window_update_0" },
    play: (attacker) => provoke(attacker, (id) => windowUpdate(id, 0)),
  },
  {
    name: "made you reset: WINDOW_UPDATE over the largest window",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "FLOW_CONTROL_ERROR", token: "window_overflow" },
    play: (attacker) => provoke(attacker, (id) => windowUpdate(id, LARGEST_INCREMENT)),
  },
  {
    name: "made you reset: PRIORITY of a wrong length",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "FRAME_SIZE_ERROR", token: "frame_length" },
    play: (attacker) => provoke(attacker, (id) => frame(FrameType.PRIORITY, 0, id, Buffer.alloc(4))),
  },
  {
    name: "made you reset: PRIORITY on itself",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "PROTOCOL_ERROR", token: "self_dependency" },
    play: (attacker) =>
      provoke(attacker, (id) => frame(FrameType.PRIORITY, 0, id, Buffer.concat([uint32(id), Buffer.from([16])]))),
  },
  {
    name: "made you reset: HEADERS behind END_STREAM",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "STREAM_CLOSED", token: "headers_on_closed_stream" },
    play: (attacker) => provoke(attacker, (id) => headersOf(id, attacker.block("Unary"))),
  },
  {
    name: "made you reset: DATA behind END_STREAM",
    source: MADE_YOU_RESET,
    limits: [],
    end: { by: "goaway", code: "STREAM_CLOSED", token: "data_on_closed_stream" },
    play: (attacker) => provoke(attacker, (id) => data(id, 10)),
  },
  {
    name: "made you reset: malformed requests",
    source: `${MADE_YOU_RESET}; CVE-2019-9514`,
    limits: ["resetsBurst", "resetsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "reset_flood" },
    play: (attacker) =>
      attacker.flood(20_000, () => headersOf(attacker.nextStream(), attacker.block("Unary", ["Upper", "case"]))),
  },
  {
    name: "made you reset: DATA over the stream's window",
    source: `${MADE_YOU_RESET}; CVE-2019-9514`,
    limits: ["resetsBurst", "resetsPerSecond", "streamWindowBytes"],
    end: { by: "reset", code: "FLOW_CONTROL_ERROR", token: "stream_window" },
    async play(attacker) {
      const id = attacker.nextStream();
      // To a function that does not read: it sleeps before its first look.
      const head = attacker.block("ClientStream", ["x-sleep-ms", "60000"]);
      attacker.send(headersOf(id, head, Flag.END_HEADERS));
      await attacker.flood(400, () => data(id, 16 * 1024));
    },
  },
  {
    name: "streams over MAX_CONCURRENT_STREAMS",
    source: "RFC 9113 §5.1.2",
    limits: ["concurrentStreamsMax", "refusedStreamsBurst", "refusedStreamsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "refused_streams" },
    play: (attacker) => attacker.flood(5000, () => attacker.opening(attacker.nextStream())),
  },
];
