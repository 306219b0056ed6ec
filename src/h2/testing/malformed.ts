/**
 * The ways in which a message can be malformed (RFC 9113 §8.1.1), as frames: one table for the unit tests of both roles
 * and for the gateway's tests over real sockets, where clients and instances send the same.
 */
import { Flag, FrameType } from "../frames.ts";
import type { HeaderList } from "../h2.ts";
import { data, frame, headers, plainBlock, RESPONSE, TRAILERS } from "./script.ts";

export interface Malformed {
  /** `with upper case in a name`. */
  readonly what: string;
  /** Token of the stream fault. */
  readonly token: string;
  /** The message on a stream; `head` is a well-formed head to make it from. */
  frames(streamId: number, head: HeaderList): Buffer[];
}

/** The head with one field replaced, or added at the end. */
export function withField(head: HeaderList, name: string, value: string): HeaderList {
  const at = head.indexOf(name);
  return at < 0 ? [...head, name, value] : head.with(at + 1, value);
}

export function without(head: HeaderList, name: string): HeaderList {
  return head.toSpliced(head.indexOf(name), 2);
}

/** A message that is wrong in its head, and ends with it. */
function wrongHead(what: string, token: string, change: (head: HeaderList) => HeaderList): Malformed {
  return { what, token, frames: (streamId, head) => [headers(streamId, change(head), true)] };
}

/** A head, content, and trailers that are wrong. */
function wrongTrailers(what: string, token: string, trailers: HeaderList, endStream = true): Malformed {
  return {
    what,
    token,
    frames: (streamId, head) => [
      headers(streamId, head, false),
      data(streamId, 5),
      headers(streamId, trailers, endStream),
    ],
  };
}

/** Rules for single fields: they hold for requests, responses and trailers alike. */
const FIELDS: readonly (readonly [what: string, token: string, name: string, value: string])[] = [
  ["upper case in a name", "field_name", "A", "b"],
  ["an empty name", "field_name", "", "b"],
  ["a space in a name", "field_name", "a b", "c"],
  ["a colon in a name", "field_name", "a:b", "c"],
  ["NUL in a name", "field_name", "a\0", "b"],
  ["CR LF in a name", "field_name", "a\r\nb", "c"],
  ["a byte above 127 in a name", "field_name", "a\xe4", "b"],
  ["CR LF in a value", "field_value", "a", "b\r\nc: d"],
  ["a lone CR in a value", "field_value", "a", "b\rc"],
  ["a lone LF in a value", "field_value", "a", "b\nc"],
  ["NUL in a value", "field_value", "a", "b\0"],
  ["a space in front of a value", "field_value", "a", " b"],
  ["a tab behind a value", "field_value", "a", "b\t"],
  ["connection", "connection_field", "connection", "close"],
  ["keep-alive", "connection_field", "keep-alive", "1"],
  ["proxy-connection", "connection_field", "proxy-connection", "close"],
  ["transfer-encoding", "connection_field", "transfer-encoding", "chunked"],
  ["upgrade", "connection_field", "upgrade", "h2c"],
  ["te other than trailers", "te", "te", "gzip"],
  ["a content-length that is no number", "content_length", "content-length", "1a"],
  ["a negative content-length", "content_length", "content-length", "-1"],
];

/** What is wrong in any head. */
const HEADS: readonly Malformed[] = [
  ...FIELDS.map(([what, token, name, value]) => wrongHead(`with ${what}`, token, (head) => [...head, name, value])),
  wrongHead("with an unknown pseudo-header field", "pseudo_unknown", (head) => [":protocol", "websocket", ...head]),
  wrongHead("with a pseudo-header field behind a regular one", "pseudo_order", (head) => ["a", "b", ...head]),
  wrongHead("with a pseudo-header field twice", "pseudo_repeated", (head) => [...head.slice(0, 2), ...head]),
  wrongHead("with content-length and no content", "content_length", (head) => [...head, "content-length", "1"]),
  wrongHead("with two content-length", "content_length", (head) => [
    ...head,
    "content-length",
    "1",
    "content-length",
    "2",
  ]),
  {
    what: "whose malformed head comes in HEADERS and CONTINUATION frames",
    token: "field_name",
    frames: (streamId, head) => {
      const block = plainBlock([...head, "A", "b"]);
      return [
        frame(FrameType.HEADERS, Flag.END_STREAM, streamId, block.subarray(0, 5)),
        frame(FrameType.CONTINUATION, Flag.END_HEADERS, streamId, block.subarray(5)),
      ];
    },
  },
];

/** What is wrong behind any head. */
const BODIES: readonly Malformed[] = [
  ...FIELDS.map(([what, token, name, value]) =>
    wrongTrailers(`with ${what} in its trailers`, token, [...TRAILERS, name, value]),
  ),
  wrongTrailers("with an unknown pseudo-header field in its trailers", "pseudo_unknown", [":a", "b", ...TRAILERS]),
  wrongTrailers("with :path in its trailers", "pseudo_misplaced", [":path", "/"]),
  wrongTrailers("with :status in its trailers", "pseudo_misplaced", [":status", "200"]),
  wrongTrailers("with te in its trailers", "te", [...TRAILERS, "te", "trailers"]),
  wrongTrailers("with trailers that do not end it", "trailers_without_end", TRAILERS, false),
  {
    what: "with more content than content-length says",
    token: "content_length",
    frames: (streamId, head) => [headers(streamId, [...head, "content-length", "3"], false), data(streamId, 4)],
  },
  {
    what: "with less content than content-length says",
    token: "content_length",
    frames: (streamId, head) => [headers(streamId, [...head, "content-length", "5"], false), data(streamId, 4, true)],
  },
  {
    what: "with less content than content-length says, and trailers",
    token: "content_length",
    frames: (streamId, head) => [
      headers(streamId, [...head, "content-length", "5"], false),
      data(streamId, 4),
      headers(streamId, TRAILERS, true),
    ],
  },
];

const MALFORMED_REQUEST_HEADS: readonly Malformed[] = [
  ...HEADS,
  wrongHead("without :method", "pseudo_missing", (head) => without(head, ":method")),
  wrongHead("without :scheme", "pseudo_missing", (head) => without(head, ":scheme")),
  wrongHead("without :path", "pseudo_missing", (head) => without(head, ":path")),
  wrongHead("with an empty :path", "path", (head) => withField(head, ":path", "")),
  // CVE-2026-33186: rules for paths were passed by with one that does not begin with a slash.
  wrongHead("with a :path that does not begin with /", "path", (head) => withField(head, ":path", "p.S/M")),
  wrongHead("with a whole URI as its :path", "path", (head) => withField(head, ":path", "https://example/p.S/M")),
  wrongHead("with a :path that begins with a backslash", "path", (head) => withField(head, ":path", "\\p.S/M")),
  wrongHead("with a :path with a space", "path", (head) => withField(head, ":path", "/p.S/M x")),
  wrongHead("with a :path with a fragment", "path", (head) => withField(head, ":path", "/p.S/M#x")),
  wrongHead("with a :path with a control character", "path", (head) => withField(head, ":path", "/p.S/M\x01")),
  wrongHead("with a :path with DEL", "path", (head) => withField(head, ":path", "/p.S/M\x7f")),
  wrongHead("with the path * and POST", "path", (head) => withField(head, ":path", "*")),
  wrongHead("with CONNECT", "connect", () => [":method", "CONNECT", ":authority", "example:1"]),
  wrongHead("with an empty method", "method", (head) => withField(head, ":method", "")),
  wrongHead("with a method with a space", "method", (head) => withField(head, ":method", "POST /")),
  wrongHead("with an empty scheme", "method", (head) => withField(head, ":scheme", "")),
  wrongHead("with a scheme that is none", "method", (head) => withField(head, ":scheme", "1s")),
  wrongHead("with user information in :authority", "authority", (head) => withField(head, ":authority", "me@example")),
  wrongHead("with a path in :authority", "authority", (head) => withField(head, ":authority", "example/a")),
  wrongHead("with a space in :authority", "authority", (head) => withField(head, ":authority", "a b")),
  wrongHead("with :authority twice", "pseudo_repeated", (head) => [":authority", "other", ...head]),
  wrongHead("with :status", "pseudo_misplaced", (head) => [":status", "200", ...head]),
  wrongHead("with a host that differs from :authority", "host_differs", (head) => [...head, "host", "other"]),
  wrongHead("with two hosts", "host_repeated", (head) => [...head, "host", "example", "host", "example"]),
];

/** To be made from a head of POST with https, a path, an authority and no `host`. */
export const MALFORMED_REQUESTS = { heads: MALFORMED_REQUEST_HEADS, bodies: BODIES };

const MALFORMED_RESPONSE_HEADS: readonly Malformed[] = [
  ...HEADS,
  wrongHead("without :status", "status_missing", (head) => without(head, ":status")),
  wrongHead("with a :status that is no number", "status", (head) => withField(head, ":status", "ok")),
  wrongHead("with a :status of four digits", "status", (head) => withField(head, ":status", "2000")),
  wrongHead("with a :status below 100", "status", (head) => withField(head, ":status", "099")),
  wrongHead("with :path", "pseudo_misplaced", (head) => [":path", "/", ...head]),
  wrongHead("with :method", "pseudo_misplaced", (head) => [":method", "POST", ...head]),
  wrongHead("with te", "te", (head) => [...head, "te", "trailers"]),
  wrongHead("with an interim response as its end", "interim_response", () => [":status", "100"]),
  {
    what: "with 101, which HTTP/2 does not have",
    token: "interim_response",
    frames: (streamId) => [headers(streamId, [":status", "101"], false)],
  },
  {
    what: "with a malformed interim response",
    token: "connection_field",
    frames: (streamId) => [headers(streamId, [":status", "103", "connection", "close"], false)],
  },
  { what: "with DATA in front of its head", token: "data_before_headers", frames: (streamId) => [data(streamId, 1)] },
  {
    what: "with DATA between an interim response and its head",
    token: "data_before_headers",
    frames: (streamId) => [headers(streamId, [":status", "103"], false), data(streamId, 1)],
  },
];

/** A status that has no content (RFC 9110 §6.4.1), with some. */
const CONTENT_WHERE_NONE_IS: readonly Malformed[] = ["204", "304"].map((status) => ({
  what: `with ${status} and content`,
  token: "content_length",
  frames: (streamId) => [headers(streamId, RESPONSE.with(1, status), false), data(streamId, 1, true)],
}));

/** To be made from a head with `:status` 200. */
export const MALFORMED_RESPONSES = {
  heads: MALFORMED_RESPONSE_HEADS,
  bodies: [...BODIES, ...CONTENT_WHERE_NONE_IS],
};
