/** Frames that cost the sender a few bytes and us an answer, or a look. */
import { Flag, FrameType } from "../../../src/h2/frames.ts";
import { ErrorCode } from "../../../src/h2/h2.ts";
import { data, frame, goAway, reset, settings, uint32, windowUpdate } from "../../../src/h2/testing/script.ts";
import type { Attack } from "../support/attack.ts";
import { type Attacker, EMPTY_MESSAGE, headersOf, pause } from "../support/attacker.ts";

const PING = frame(FrameType.PING, 0, 0, Buffer.alloc(8));
const PING_ACK = frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8));
const FLOOD = 100_000;

/** Settings of an attacker that lets a function send as much as it likes. */
const OPEN_WINDOW: readonly [number, number][] = [[4, 2 ** 31 - 1]];

/** Fills the gateway's socket: a long answer is asked for, and not read. */
async function clog(attacker: Attacker): Promise<void> {
  const id = attacker.nextStream();
  const message = Buffer.alloc(5 + 4 + 60_000);
  message.writeUInt32BE(message.length - 5, 1);
  // Field 1 of EchoRequest with 60,000 bytes.
  message.set([0x0a, 0xe0, 0xd4, 0x03], 5);
  attacker.send(
    windowUpdate(0, 2 ** 30),
    headersOf(id, attacker.block("ServerStream", ["x-repeat", "5000"]), Flag.END_HEADERS),
  );
  for (let at = 0; at < message.length; at += 16_384) {
    attacker.send(data(id, message.subarray(at, at + 16_384), at + 16_384 >= message.length));
  }
  await attacker.until("the answer begins", () => attacker.frames.some(({ type }) => type === "DATA"));
  attacker.stopReading();
  await pause(500);
}

export const controlFrameAttacks: readonly Attack[] = [
  {
    name: "PING flood",
    source: "CVE-2019-9512",
    limits: ["pingsBurst", "pingsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "too_many_pings" },
    play: (attacker) => attacker.flood(FLOOD, () => PING),
  },
  {
    name: "answers asked for and not read",
    source: "CVE-2019-9512, CVE-2019-9515, CVE-2019-9514",
    limits: ["queuedRepliesMax"],
    end: { by: "close", withinMs: 10_000, token: "queued_replies" },
    settings: OPEN_WINDOW,
    async play(attacker) {
      await clog(attacker);
      // Neither kind alone is over its own budget.
      await attacker.flood(2000, (index) =>
        index % 2 === 0 ? PING : headersOf(attacker.nextStream(), attacker.block("Unary", ["", "value"])),
      );
    },
  },
  {
    name: "SETTINGS flood",
    source: "CVE-2019-9515",
    limits: ["settingsBurst", "settingsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "settings_flood" },
    play: (attacker) => attacker.flood(FLOOD, () => settings()),
  },
  {
    name: "SETTINGS that move the windows of a thousand streams",
    source: "SETTINGS churn",
    limits: ["settingsBurst", "settingsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "settings_flood" },
    async play(attacker) {
      await attacker.flood(1000, () => attacker.opening(attacker.nextStream()));
      await attacker.flood(FLOOD, (index) => settings([4, index % 2 === 0 ? 0 : 2 ** 20]));
    },
  },
  {
    name: "SETTINGS of many entries",
    source: "SETTINGS churn",
    limits: ["settingsEntriesMax"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "settings_entries" },
    play: (attacker) =>
      void attacker.send(settings(...Array.from({ length: 2000 }, (): [number, number] => [1, 4096]))),
  },
  {
    name: "SETTINGS that overflow a stream's window",
    source: "RFC 9113 §6.9.2",
    limits: [],
    end: { by: "goaway", code: "FLOW_CONTROL_ERROR", token: "window_overflow" },
    play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id), windowUpdate(id, 2 ** 30), settings([4, 2 ** 31 - 1]));
    },
  },
  {
    name: "RST_STREAM flood on streams that are over",
    source: "CVE-2019-9514",
    limits: ["ignoredFramesBurst", "ignoredFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "ignored_frames" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id));
      await attacker.flood(FLOOD, () => reset(id, ErrorCode.CANCEL));
    },
  },
  {
    name: "PRIORITY churn",
    source: "CVE-2019-9513",
    limits: ["ignoredFramesBurst", "ignoredFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "ignored_frames" },
    play: (attacker) =>
      attacker.flood(FLOOD, (index) => {
        const on = uint32(index % 2 === 0 ? 5 : 7);
        return frame(FrameType.PRIORITY, 0, 3, Buffer.concat([on, Buffer.from([index % 256])]));
      }),
  },
  {
    name: "frames of unknown types",
    source: "RFC 9113 §5.5",
    limits: ["ignoredFramesBurst", "ignoredFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "ignored_frames" },
    play: (attacker) => attacker.flood(FLOOD, (index) => frame(16 + (index % 200), 0, index % 5)),
  },
  {
    name: "WINDOW_UPDATE flood",
    source: "Envoy",
    limits: ["windowUpdatesBurst", "windowUpdatesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "window_update_flood" },
    play: (attacker) => attacker.flood(FLOOD, () => windowUpdate(0, 1)),
  },
  {
    name: "an unsolicited answer to a PING",
    source: "Node.js closes the session for it",
    limits: ["ignoredFramesBurst"],
    end: { by: "nothing" },
    play: (attacker) => void attacker.send(PING_ACK, PING_ACK, PING_ACK),
  },
  {
    name: "unsolicited answers to PINGs without end",
    source: "CVE-2019-9512",
    limits: ["ignoredFramesBurst", "ignoredFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "ignored_frames" },
    play: (attacker) => attacker.flood(FLOOD, () => PING_ACK),
  },
  {
    name: "the connection's window overflows",
    source: "CVE-2026-21714",
    limits: [],
    end: { by: "goaway", code: "FLOW_CONTROL_ERROR", token: "window_overflow" },
    play: (attacker) => void attacker.send(windowUpdate(0, 2 ** 31 - 1)),
  },
  {
    name: "GOAWAY flood",
    source: "CVE-2026-48937",
    limits: ["settingsBurst", "settingsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "settings_flood" },
    async play(attacker) {
      // A stream keeps the connection open: a client that says goodbye may wait for its last answer.
      attacker.send(attacker.opening(attacker.nextStream()));
      await attacker.flood(FLOOD, () => goAway(0, ErrorCode.NO_ERROR, "again"));
    },
  },
  {
    name: "empty DATA frames",
    source: "CVE-2019-9518",
    limits: ["emptyFramesBurst", "emptyFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "empty_frames" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id));
      await attacker.flood(FLOOD, () => data(id, 0));
    },
  },
  {
    name: "DATA frames of padding alone",
    source: "CVE-2019-9518",
    limits: ["emptyFramesBurst", "emptyFramesPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "empty_frames" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id));
      const padding = Buffer.alloc(256);
      padding[0] = 255;
      await attacker.flood(FLOOD, () => frame(FrameType.DATA, Flag.PADDED, id, padding));
    },
  },
  {
    name: "DATA frames of a byte",
    source: "tiny DATA (2026)",
    limits: ["crumbsBurst", "crumbsPerSecond"],
    end: { by: "goaway", code: "ENHANCE_YOUR_CALM", token: "data_crumbs" },
    async play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id));
      const endless = Buffer.from([0, 0, 0x7f, 0xff, 0xff]);
      await attacker.flood(FLOOD, (index) => data(id, endless.subarray(index % 5, (index % 5) + 1)));
    },
  },
  {
    name: "a frame over MAX_FRAME_SIZE",
    source: "RFC 9113 §4.2",
    limits: ["frameSizeMaxBytes"],
    end: { by: "goaway", code: "FRAME_SIZE_ERROR", token: "frame_size" },
    play(attacker) {
      const id = attacker.nextStream();
      attacker.send(attacker.opening(id), data(id, EMPTY_MESSAGE), data(id, 16 * 1024 + 1));
    },
  },
];
