import type { DriverInstance } from "../drivers/driver.ts";
import type { Fault, Revision } from "../model/model.ts";

/** The connection to one instance, as the scheduler sees it. The gateway implements it. */
export interface Link {
  /** The instance is being stopped: take nothing, finish nothing. */
  close(): void;
}

/** What a link tells the scheduler. */
export interface LinkObserver {
  /**
   * HTTP/2 is up: first SETTINGS came, or a new connection stands after GOAWAY. `streamsMax` is the peer's
   * MAX_CONCURRENT_STREAMS; called again when it changes.
   */
  ready(streamsMax: number): void;
  /** No call may be sent now (GOAWAY, reconnecting); `ready` or `lost` follows. */
  unavailable(): void;
  /** The instance is of no use any more (no HTTP/2, no answer, no connection): it is destroyed. */
  lost(fault: Fault): void;
}

/** Opens the link of an instance that listens. */
export interface LinkFactory<L extends Link> {
  open(instance: DriverInstance, revision: Revision, observer: LinkObserver): L;
}
