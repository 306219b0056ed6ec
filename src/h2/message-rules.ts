/**
 * Collects the fields of one header block into a flat list and checks them as a message (RFC 9113 §8.1 to §8.3):
 * pseudo-header fields first, each once, exactly those that the kind of message has. One collector serves all blocks of
 * a connection, one after the other.
 */
import type { HeaderList } from "./contract.ts";
import { ConnectionFault, ErrorCode, StreamFault } from "./errors.ts";
import {
  AUTHORITY,
  CONTENT_LENGTH,
  type FieldKind,
  HOST,
  MALFORMED,
  METHOD,
  PATH,
  REGULAR,
  SCHEME,
  STATUS,
  TE,
} from "./field-kind.ts";
import type { FieldSink } from "./hpack/decoder.ts";
import { ENTRY_OVERHEAD_BYTES } from "./hpack/dynamic-table.ts";
import type { ConnectionOptions } from "./options.ts";

/** What a header block is meant to be. Ignored: it is decoded for the table's sake only (RFC 9113 §4.3). */
export type BlockKind = "request" | "response" | "trailers" | "ignored";

/** A list this many times over its limit ends the connection: nobody sends it by mistake. */
const HOPELESS_FACTOR = 4;

const REQUEST_NEEDS = (1 << METHOD) | (1 << SCHEME) | (1 << PATH);
const REQUEST_PSEUDO = REQUEST_NEEDS | (1 << AUTHORITY);
const RESPONSE_PSEUDO = 1 << STATUS;

export class MessageHead implements FieldSink {
  /** The fields that fitted the limits. */
  list: HeaderList = [];
  /** More fields or bytes than the limits allow: the rest was decoded and dropped. */
  oversized = false;
  fault: StreamFault | undefined;
  /** -1: the message does not say. */
  contentLength = -1;
  status = "";
  #method = "";
  #path = "";
  #authority: string | undefined;
  #host: string | undefined;
  #kind: BlockKind = "ignored";
  #allowed = 0;
  /** Bits of the kinds that were seen. */
  #seen = 0;
  #regularSeen = false;
  #sizeBytes = 0;
  #fields = 0;
  readonly #maxBytes: number;
  readonly #maxFields: number;

  constructor(options: ConnectionOptions) {
    this.#maxBytes = options.headerListMaxBytes;
    this.#maxFields = options.headerFieldsMax;
  }

  begin(kind: BlockKind): void {
    this.list = [];
    this.oversized = false;
    this.fault = undefined;
    this.contentLength = -1;
    this.status = "";
    this.#authority = undefined;
    this.#host = undefined;
    this.#kind = kind;
    this.#allowed = kind === "request" ? REQUEST_PSEUDO : kind === "response" ? RESPONSE_PSEUDO : 0;
    this.#seen = 0;
    this.#regularSeen = false;
    this.#sizeBytes = 0;
    this.#fields = 0;
  }

  /** Throws ConnectionFault ENHANCE_YOUR_CALM for a list far over the limits. */
  field(name: string, value: string, kind: FieldKind): void {
    this.#sizeBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.#fields++;
    if (this.#sizeBytes > this.#maxBytes || this.#fields > this.#maxFields) this.#overLimit();
    if (this.#kind === "ignored") return;
    if (kind !== REGULAR) this.#judge(kind, value);
    else this.#regularSeen = true;
    if (!this.oversized) this.list.push(name, value);
  }

  /** After the last field: what is missing, or does not go together. */
  end(): void {
    if (this.fault !== undefined || this.oversized) return;
    if (this.#kind === "request") this.#endRequest();
    else if (this.#kind === "response" && (this.#seen & RESPONSE_PSEUDO) === 0) {
      this.#fail("status_missing", "RFC 9113 §8.3.2", "a response without :status");
    }
  }

  #overLimit(): void {
    this.oversized = true;
    const isHopeless =
      this.#sizeBytes > this.#maxBytes * HOPELESS_FACTOR || this.#fields > this.#maxFields * HOPELESS_FACTOR;
    if (!isHopeless) return;
    const text = `a header list far over the limit of ${this.#maxBytes} bytes or ${this.#maxFields} fields`;
    throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "header_list_flood", "RFC 9113 §10.5.1", text);
  }

  #judge(kind: FieldKind, value: string): void {
    if (kind < 0) {
      const [token, source, message] = MALFORMED[-kind]!;
      this.#fail(token, source, message);
      return;
    }
    const bit = 1 << kind;
    const isRepeated = (this.#seen & bit) !== 0;
    this.#seen |= bit;
    if (kind <= STATUS) {
      this.#judgePseudo(bit, isRepeated);
      if (kind === METHOD) this.#method = value;
      else if (kind === PATH) this.#path = value;
      else if (kind === AUTHORITY) this.#authority = value;
      else if (kind === STATUS) this.status = value;
      return;
    }
    this.#regularSeen = true;
    if (kind === HOST) {
      if (isRepeated) this.#fail("host_repeated", "RFC 9110 §7.2", "host appears twice");
      this.#host = value;
    } else if (kind === CONTENT_LENGTH) {
      const bytes = Number(value);
      if (isRepeated && bytes !== this.contentLength) {
        this.#fail("content_length", "RFC 9110 §8.6", "two different content-length");
      }
      this.contentLength = bytes;
    } else if (kind === TE && this.#kind !== "request") {
      this.#fail("te", "RFC 9113 §8.2.2", "te in a response or in trailers");
    }
  }

  #judgePseudo(bit: number, isRepeated: boolean): void {
    if (this.#regularSeen) this.#fail("pseudo_order", "RFC 9113 §8.3", "a pseudo-header field behind a regular field");
    else if (isRepeated) this.#fail("pseudo_repeated", "RFC 9113 §8.3", "a pseudo-header field appears twice");
    else if ((this.#allowed & bit) === 0) {
      this.#fail("pseudo_misplaced", "RFC 9113 §8.3", "a pseudo-header field that this kind of message does not have");
    }
  }

  #endRequest(): void {
    if (this.#method === "CONNECT" && (this.#seen & (1 << METHOD)) !== 0) {
      this.#fail("connect", "RFC 9113 §8.5", "CONNECT is not offered");
    } else if ((this.#seen & REQUEST_NEEDS) !== REQUEST_NEEDS) {
      this.#fail("pseudo_missing", "RFC 9113 §8.3.1", "a request needs :method, :scheme and :path");
    } else if (this.#path === "*" && this.#method !== "OPTIONS") {
      this.#fail("path", "RFC 9113 §8.3.1", "only OPTIONS has the path *");
    } else if (this.#host !== undefined && this.#authority !== undefined && !sameHost(this.#host, this.#authority)) {
      this.#fail("host_differs", "RFC 9113 §8.3.1", "host and :authority differ");
    }
  }

  #fail(token: string, source: string, message: string): void {
    this.fault ??= new StreamFault(ErrorCode.PROTOCOL_ERROR, token, source, message);
  }
}

/** Host names ignore case (RFC 9110 §4.2.3). */
function sameHost(host: string, authority: string): boolean {
  return host === authority || host.toLowerCase() === authority.toLowerCase();
}
