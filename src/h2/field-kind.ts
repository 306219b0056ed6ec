/**
 * What a single header field is, judged by its name and value alone (RFC 9113 §8.2, §8.3). What depends on the other
 * fields or on the kind of message is in message-rules.ts.
 */
export type FieldKind = number;

/** Kinds from 1 up matter to the rules of a message; 0 is any other well-formed field; below 0 is malformed. */
export const REGULAR = 0;
export const METHOD = 1;
export const SCHEME = 2;
export const PATH = 3;
export const AUTHORITY = 4;
export const STATUS = 5;
export const HOST = 6;
export const CONTENT_LENGTH = 7;
export const TE = 8;
export const BAD_NAME = -1;
export const BAD_VALUE = -2;
export const CONNECTION_FIELD = -3;
export const BAD_PSEUDO = -4;
export const BAD_PATH = -5;
export const BAD_STATUS = -6;
export const BAD_CONTENT_LENGTH = -7;
export const BAD_TE = -8;
export const BAD_AUTHORITY = -9;
export const BAD_METHOD = -10;

/** Token, rule and words for each malformed kind, at index -kind. */
export const MALFORMED: readonly (readonly [token: string, source: string, message: string])[] = [
  ["", "", ""],
  ["field_name", "RFC 9113 §8.2.1", "a field name is empty or has characters that are not allowed (upper case is not)"],
  ["field_value", "RFC 9113 §8.2.1", "a field value has NUL, CR or LF, or begins or ends with white space"],
  ["connection_field", "RFC 9113 §8.2.2", "a connection-specific field has no place in HTTP/2"],
  ["pseudo_unknown", "RFC 9113 §8.3", "a pseudo-header field is not known"],
  ["path", "RFC 9113 §8.3.1", ":path must begin with / and have no space or #"],
  ["status", "RFC 9113 §8.3.2", ":status must be three digits from 100 to 599"],
  ["content_length", "RFC 9110 §8.6", "content-length must be a decimal number"],
  ["te", "RFC 9113 §8.2.2", "te may only be trailers"],
  ["authority", "RFC 9113 §8.3.1", ":authority must not have user information, a path or white space"],
  ["method", "RFC 9113 §8.3.1", ":method or :scheme has characters that are not allowed"],
];

const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A set of the 256 characters. */
function characters(isIn: (character: string, code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (isIn(String.fromCharCode(code), code) ? 1 : 0));
}

/** RFC 9110 §5.6.2; field names have no upper case (RFC 9113 §8.2.1). */
const TOKEN = characters((character) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character));
const NAME = characters((character) => /[!#$%&'*+\-.^_`|~0-9a-z]/.test(character));
const PATH_TEXT = characters((character, code) => code > 0x20 && code !== 0x7f && character !== "#");
const AUTHORITY_TEXT = characters((character, code) => code > 0x20 && code !== 0x7f && !"/@?#".includes(character));
const SCHEME_TEXT = /^[A-Za-z][A-Za-z0-9+\-.]*$/;

function consistsOf(set: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (set[text.charCodeAt(at)] !== 1) return false;
  }
  return true;
}

/** Judges one field. The characters of `name` and `value` stand for bytes. */
export function fieldKind(name: string, value: string): FieldKind {
  if (!isFieldValue(value)) return BAD_VALUE;
  if (name.charCodeAt(0) === 0x3a) return pseudoKind(name, value);
  if (name.length === 0 || !consistsOf(NAME, name)) return BAD_NAME;
  switch (name) {
    case "host":
      return HOST;
    case "te":
      return value.toLowerCase() === "trailers" ? TE : BAD_TE;
    case "content-length":
      return /^\d{1,15}$/.test(value) ? CONTENT_LENGTH : BAD_CONTENT_LENGTH;
    default:
      return CONNECTION_FIELDS.has(name) ? CONNECTION_FIELD : REGULAR;
  }
}

function pseudoKind(name: string, value: string): FieldKind {
  switch (name) {
    case ":method":
      return value.length > 0 && consistsOf(TOKEN, value) ? METHOD : BAD_METHOD;
    case ":scheme":
      return SCHEME_TEXT.test(value) ? SCHEME : BAD_METHOD;
    case ":path":
      return value === "*" || (value.charCodeAt(0) === 0x2f && consistsOf(PATH_TEXT, value)) ? PATH : BAD_PATH;
    case ":authority":
      return consistsOf(AUTHORITY_TEXT, value) ? AUTHORITY : BAD_AUTHORITY;
    case ":status":
      return /^[1-5]\d\d$/.test(value) ? STATUS : BAD_STATUS;
    default:
      return BAD_PSEUDO;
  }
}

function isFieldValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false;
  for (let at = 0; at < length; at++) {
    const code = value.charCodeAt(at);
    if (code <= 0x0d && (code === 0x0d || code === 0x0a || code === 0)) return false;
  }
  return true;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
