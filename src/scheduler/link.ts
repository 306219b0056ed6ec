import type { DriverInstance } from "../drivers/driver.ts";
import type { Fault, Revision } from "../model/model.ts";

/** A question to an instance, beside its calls: a hook, or how it is. */
export type InstanceQuestion =
  | {
      readonly kind: "http";
      readonly method: "GET" | "POST";
      /** Path and query. */
      readonly path: string;
      /** Only of a hook, which is billed as a call is: `/initialize`, `/pre-freeze` or `/pre-stop`. */
      readonly controlPath?: string;
      /** Bounds the whole answer, and the wait for a connection that can be asked. */
      readonly timeoutMs: number;
    }
  /** `grpc.health.v1.Health/Check` of the server as a whole, which is the service "". */
  | { readonly kind: "grpcHealth"; readonly timeoutMs: number };

/** What came of a question. `detail` is text for people, of at most 200 characters. */
export type InstanceAnswer =
  | {
      readonly kind: "answered";
      /** `http`: 200 to 299. `grpcHealth`: SERVING. */
      readonly ok: boolean;
      readonly httpStatus: number;
      readonly detail: string;
    }
  /** It speaks gRPC and knows no such path: a gRPC answer, or HTTP 415; of `grpcHealth` UNIMPLEMENTED. */
  | { readonly kind: "notServed"; readonly detail: string }
  /** Time over, stream reset, connection lost. */
  | { readonly kind: "failed"; readonly detail: string };

/** The connection to one instance, as the scheduler sees it. The gateway implements it. */
export interface Link {
  /**
   * A plain HTTP/2 request on the instance's connection, outside the calls' slots; where none can be asked now, on the
   * next one that can. Never rejects.
   */
  ask(question: InstanceQuestion): Promise<InstanceAnswer>;
  /**
   * The instance is going to be frozen, without calls: nothing is sent to it, no time is measured, a connection that is
   * lost is not opened again, and the observer is told nothing, until `resume`.
   */
  suspend(): void;
  /**
   * The instance runs again. True: its connection was proved by an answer, or a new one stands; where that allows
   * another number of streams, `ready` told it before. False: not within `timeoutMs`, or the instance is gone.
   */
  resume(timeoutMs: number): Promise<boolean>;
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
