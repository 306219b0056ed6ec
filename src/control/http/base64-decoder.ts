import { invalid } from "../api-error.ts";

/** Decodes base64 that comes in parts, line breaks between the characters passed over as Go's decoder does. */
export class Base64Decoder {
  readonly #field: string;
  /** Characters that make no whole group of four yet. */
  #pending = "";
  #isPadded = false;

  /** `field`: named where the text is not base64. */
  constructor(field: string) {
    this.#field = field;
  }

  /** The bytes of all whole groups so far that were not given before. Throws an ApiError. */
  push(text: string): Buffer {
    const all = this.#pending + (/[\r\n]/.test(text) ? text.replace(/[\r\n]/g, "") : text);
    const whole = all.length - (all.length % 4);
    this.#pending = all.slice(whole);
    return this.#decode(all.slice(0, whole));
  }

  /** The bytes of the last group, which may lack its padding. Throws an ApiError. */
  end(): Buffer {
    const rest = this.#pending;
    this.#pending = "";
    return rest.length === 1 ? this.#refuse() : this.#decode(rest);
  }

  /** Buffer.from passes over what is no base64: the number of bytes tells. */
  #decode(text: string): Buffer {
    if (text === "") return Buffer.alloc(0);
    if (this.#isPadded) this.#refuse();
    const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
    this.#isPadded = padding > 0;
    const bytes = Buffer.from(text, "base64");
    if (bytes.length !== Math.floor(((text.length - padding) * 3) / 4)) this.#refuse();
    return bytes;
  }

  #refuse(): never {
    return invalid(`${this.#field}: expected the zip as a base64 text`);
  }
}
