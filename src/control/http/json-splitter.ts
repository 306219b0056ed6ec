/**
 * Takes one long text out of a JSON document while the document arrives in parts: the `code.zipFile` of a request for a
 * function, which is up to 133 MB of base64 beside a kilobyte of settings. Pure. It does not check the document; what is
 * left of it is parsed as a whole, and is JSON exactly where the document was and the text had no wrong escapes.
 */
import { invalid } from "../api-error.ts";

/** A part of what came in: of the document without the text, or of the text itself, its escapes resolved (latin1). */
export type Piece =
  | { readonly kind: "rest"; readonly bytes: Buffer }
  | { readonly kind: "text"; readonly text: string };

interface Container {
  readonly isObject: boolean;
  /** The key that its next or present value has. */
  key: string;
  expectsKey: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "/": "/" };
const UNICODE_ESCAPE_LENGTH = 6;

export class JsonSplitter {
  readonly #path: readonly string[];
  readonly #open: Container[] = [];
  #state: "between" | "string" | "key" | "text" = "between";
  #isEscaped = false;
  /** Bytes of the key that is being read. */
  #key: number[] = [];
  /** Of the text: an escape whose end has not come yet. */
  #escape = "";
  #found = false;

  /** `path`: keys from the document's object down to the text. */
  constructor(path: readonly string[]) {
    this.#path = path;
  }

  /** Whether the text has begun. */
  get found(): boolean {
    return this.#found;
  }

  /** Throws an ApiError where the text comes twice, or has an escape that no base64 needs. */
  *push(chunk: Buffer): Generator<Piece> {
    let at = 0;
    while (at < chunk.length) {
      const isText = this.#state === "text";
      const end = isText ? endOfText(chunk, at) : this.#endOfRest(chunk, at);
      const bytes = chunk.subarray(at, end);
      if (isText) {
        yield { kind: "text", text: this.#unescape(bytes.toString("latin1")) };
        if (end < chunk.length) {
          if (this.#escape !== "") this.#resolve(this.#escape);
          this.#state = "between";
          // The closing quote stays in the rest, where it closes an empty text.
          yield { kind: "rest", bytes: chunk.subarray(end, end + 1) };
        }
        at = end + 1;
      } else {
        yield { kind: "rest", bytes };
        at = end;
      }
    }
  }

  /** Where the rest is interrupted by the text's first character, or the chunk ends. */
  #endOfRest(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#state === "between") {
        this.#between(byte);
        if ((this.#state as string) === "text") return at + 1;
      } else this.#inString(byte);
    }
    return chunk.length;
  }

  #between(byte: number): void {
    const top = this.#open.at(-1);
    switch (String.fromCharCode(byte)) {
      case "{":
        this.#open.push({ isObject: true, key: "", expectsKey: true });
        break;
      case "[":
        this.#open.push({ isObject: false, key: "", expectsKey: false });
        break;
      case "}":
      case "]":
        this.#open.pop();
        break;
      case ":":
        if (top) top.expectsKey = false;
        break;
      case ",":
        if (top) top.expectsKey = top.isObject;
        break;
      case '"':
        this.#key = [];
        this.#state = top?.expectsKey ? "key" : this.#isAtPath() ? this.#beginText() : "string";
        break;
      default:
    }
  }

  #inString(byte: number): void {
    const isKey = this.#state === "key";
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      const top = this.#open.at(-1);
      if (isKey && top) top.key = keyOf(Buffer.from(this.#key));
      this.#state = "between";
      return;
    }
    // Only keys on the way to the text matter.
    if (isKey && this.#open.length <= this.#path.length) this.#key.push(byte);
  }

  #isAtPath(): boolean {
    const { length } = this.#path;
    return this.#open.length === length && this.#open.every((each, at) => each.isObject && each.key === this.#path[at]);
  }

  #beginText(): "text" {
    if (this.#found) invalid(`${this.#path.join(".")}: expected one, and the body has two`);
    this.#found = true;
    return "text";
  }

  #unescape(raw: string): string {
    if (this.#escape === "" && !raw.includes("\\")) return raw;
    const all = this.#escape + raw;
    this.#escape = "";
    let text = "";
    for (let at = 0; at < all.length; ) {
      const backslash = all.indexOf("\\", at);
      if (backslash < 0) return text + all.slice(at);
      text += all.slice(at, backslash);
      const length = all[backslash + 1] === "u" ? UNICODE_ESCAPE_LENGTH : 2;
      if (backslash + length > all.length) {
        this.#escape = all.slice(backslash);
        return text;
      }
      text += this.#resolve(all.slice(backslash, backslash + length));
      at = backslash + length;
    }
    return text;
  }

  /** Of the escapes that writers of JSON make for characters of base64: `\/`, and by number `\u003d`. */
  #resolve(written: string): string {
    const simple = SIMPLE_ESCAPES[written[1] ?? ""];
    if (simple !== undefined) return simple;
    const code = /^\\u00([0-7][0-9a-f])$/i.exec(written)?.[1];
    return code === undefined
      ? invalid(`${this.#path.join(".")}: expected base64, got the escape ${JSON.stringify(written)}`)
      : String.fromCharCode(Number.parseInt(code, 16));
  }
}

/** The quote that ends the text; escapes in base64 are for other characters, so that a quote is always the end. */
function endOfText(chunk: Buffer, from: number): number {
  const quote = chunk.indexOf(QUOTE, from);
  return quote < 0 ? chunk.length : quote;
}

/** A key with its escapes resolved; one that is not JSON matches nothing, and is told when the rest is parsed. */
function keyOf(raw: Buffer): string {
  try {
    return JSON.parse(`"${raw.toString("utf8")}"`) as string;
  } catch {
    return "";
  }
}
