import type { PeerSettings, Role } from "./contract.ts";
import { ConnectionFault, ErrorCode } from "./errors.ts";
import { INITIAL_WINDOW_BYTES, WINDOW_MAX_BYTES } from "./flow-window.ts";
import type { ConnectionOptions } from "./options.ts";

/** Identifiers of RFC 9113 §6.5.2 and RFC 8441 §3. */
export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
  ENABLE_CONNECT_PROTOCOL: 0x8,
} as const;

/** Bytes of one entry of a SETTINGS frame (RFC 9113 §6.5.1). */
export const SETTING_BYTES = 6;

const FRAME_SIZE_MIN_BYTES = 16_384;
const FRAME_SIZE_MAX_BYTES = 2 ** 24 - 1;
const UNLIMITED = 2 ** 32 - 1;

/** The peer's settings as they are now; starts with the RFC's initial values. */
export class ReceivedSettings implements PeerSettings {
  received = false;
  maxConcurrentStreams = UNLIMITED;
  initialWindowSizeBytes = INITIAL_WINDOW_BYTES;
  maxFrameSizeBytes = FRAME_SIZE_MIN_BYTES;
  headerTableSizeBytes = 4096;
  maxHeaderListBytes = UNLIMITED;
  readonly #peerRole: Role;

  constructor(peerRole: Role) {
    this.#peerRole = peerRole;
  }

  /** Applies one entry; unknown ones mean nothing. Throws ConnectionFault (RFC 9113 §6.5.2). */
  apply(id: number, value: number): void {
    switch (id) {
      case SettingId.HEADER_TABLE_SIZE:
        this.headerTableSizeBytes = value;
        break;
      case SettingId.ENABLE_PUSH:
        if (value > 1 || (value === 1 && this.#peerRole === "server")) throw invalid("ENABLE_PUSH", value);
        break;
      case SettingId.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > WINDOW_MAX_BYTES) throw invalid("INITIAL_WINDOW_SIZE", value, ErrorCode.FLOW_CONTROL_ERROR);
        this.initialWindowSizeBytes = value;
        break;
      case SettingId.MAX_FRAME_SIZE:
        if (value < FRAME_SIZE_MIN_BYTES || value > FRAME_SIZE_MAX_BYTES) throw invalid("MAX_FRAME_SIZE", value);
        this.maxFrameSizeBytes = value;
        break;
      case SettingId.MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        break;
      case SettingId.ENABLE_CONNECT_PROTOCOL:
        if (value > 1) throw invalid("ENABLE_CONNECT_PROTOCOL", value);
        break;
    }
  }
}

function invalid(name: string, value: number, code: ErrorCode = ErrorCode.PROTOCOL_ERROR): ConnectionFault {
  return new ConnectionFault(code, "settings_value", "RFC 9113 §6.5.2", `SETTINGS_${name} must not be ${value}`);
}

/** Our settings as a flat list [id, value, ...]: those that differ from the initial values. */
export function ownSettings(role: Role, options: ConnectionOptions): number[] {
  const settings = [
    SettingId.INITIAL_WINDOW_SIZE,
    options.streamWindowBytes,
    SettingId.MAX_HEADER_LIST_SIZE,
    options.headerListMaxBytes,
  ];
  if (role === "server") settings.push(SettingId.MAX_CONCURRENT_STREAMS, options.concurrentStreamsMax);
  else settings.push(SettingId.ENABLE_PUSH, 0);
  if (options.decoderTableMaxBytes !== 4096) settings.push(SettingId.HEADER_TABLE_SIZE, options.decoderTableMaxBytes);
  if (options.frameSizeMaxBytes !== 16_384) settings.push(SettingId.MAX_FRAME_SIZE, options.frameSizeMaxBytes);
  return settings;
}
