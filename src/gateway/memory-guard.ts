import type { Logger } from "../base/base.ts";
import type { Call } from "./call.ts";
import type { ClientAdmission } from "./client-admission.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { GatewayLimits } from "./limits.ts";
import { beginsAtBytes, idlestToClose, Pressure, pressureAt, type Stall, stallsToCut } from "./memory-pressure.ts";

/** Memory that V8 has not collected counts as used: it is asked to, but not at each tick, since that takes long. */
const COLLECT_INTERVAL_MS = 10_000;

const WORDS: Readonly<Record<Pressure, string>> = {
  [Pressure.NONE]: "The gateway has memory again",
  [Pressure.NO_CONNECTIONS]: "The gateway is short of memory: new connections are refused",
  [Pressure.NO_CALLS]: "The gateway is short of memory: new calls are refused, calls that stand still are ended",
  [Pressure.CLOSE_IDLE]: "The gateway is short of memory: connections without calls are closed",
};

export interface MemoryGuardOptions {
  readonly limits: GatewayLimits;
  readonly logger: Logger;
  readonly admission: ClientAdmission;
  /** Memory of this process that the system counts. */
  residentBytes(): number;
  collectGarbage(): void;
  clients(): Iterable<ClientConnection>;
  openCalls(): readonly Call[];
}

/** Looks once a second how much memory the process takes, and does what memory-pressure.ts decides. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #pressure: Pressure = Pressure.NONE;
  #collectedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** New calls are refused. */
  get refusesCalls(): boolean {
    return this.#pressure >= Pressure.NO_CALLS;
  }

  /** To be called about every second. */
  tick(nowMs: number): void {
    const { limits } = this.#options;
    let usedBytes = this.#options.residentBytes();
    if (pressureAt(usedBytes, this.#pressure, limits) !== Pressure.NONE && this.#collect(nowMs)) {
      usedBytes = this.#options.residentBytes();
    }
    this.#enter(pressureAt(usedBytes, this.#pressure, limits), usedBytes);
    if (this.#pressure >= Pressure.NO_CALLS) {
      this.#cutStalls(usedBytes - beginsAtBytes(Pressure.NO_CONNECTIONS, limits));
    }
    if (this.#pressure >= Pressure.CLOSE_IDLE) this.#closeIdlest();
  }

  #collect(nowMs: number): boolean {
    if (nowMs - this.#collectedAt < COLLECT_INTERVAL_MS) return false;
    this.#collectedAt = nowMs;
    this.#options.collectGarbage();
    return true;
  }

  #enter(pressure: Pressure, usedBytes: number): void {
    const before = this.#pressure;
    if (pressure === before) return;
    this.#pressure = pressure;
    const { limits, logger, admission } = this.#options;
    const why = `the gateway is short of memory (memoryMaxMb ${limits.memoryMaxMb})`;
    admission.closedFor = pressure === Pressure.NONE ? undefined : { token: "memory_connections", why };
    const fields = { residentMb: Math.round(usedBytes / 1024 / 1024), memoryMaxMb: limits.memoryMaxMb };
    if (pressure > before) logger.warn(WORDS[pressure], fields);
    else logger.info(WORDS[pressure], fields);
  }

  #cutStalls(excessBytes: number): void {
    const stalls: (Stall & { cut(): void })[] = [...this.#options.openCalls()];
    for (const client of this.#options.clients()) stalls.push(...client.unreadAnswers());
    for (const stall of stallsToCut(stalls, excessBytes)) stall.cut();
  }

  #closeIdlest(): void {
    const idle = [...this.#options.clients()].filter(({ openStreams }) => openStreams === 0);
    for (const client of idlestToClose(idle)) client.closeForMemory();
  }
}
