import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** AES-256-GCM (NIST SP 800-38D): a key of 256 bits, an initialization vector of 96 that is never used twice. */
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Begins every sealed text, so that another way to seal can be told from it. */
const FORMAT = "a1";

/**
 * Seals secrets for the store, with a key in a file of its own (mode 0600, made when the first is sealed): a copy of the
 * database alone gives none away. A sealed text opens only for the purpose that it was sealed for.
 */
export class Vault {
  readonly #keyFile: string;
  #key: Promise<Buffer> | undefined;

  constructor(keyFile: string) {
    this.#keyFile = keyFile;
  }

  get keyFile(): string {
    return this.#keyFile;
  }

  /** Rejects with an Error where the key can be neither read nor made. */
  async seal(secret: string, purpose: string): Promise<string> {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, await this.#keyToUse(), iv);
    cipher.setAAD(Buffer.from(purpose));
    const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return `${FORMAT}.${Buffer.concat([iv, text, cipher.getAuthTag()]).toString("base64url")}`;
  }

  /** Rejects with an Error where the text is damaged, or of another key or purpose. */
  async open(sealed: string, purpose: string): Promise<string> {
    const key = await this.#keyToUse();
    const [format, bytes = ""] = sealed.split(".");
    if (format !== FORMAT) throw new Error(`sealed in the unknown format ${format}`);
    const whole = Buffer.from(bytes, "base64url");
    const decipher = createDecipheriv(CIPHER, key, whole.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(purpose));
    decipher.setAuthTag(whole.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(whole.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return text.toString("utf8");
  }

  #keyToUse(): Promise<Buffer> {
    this.#key ??= readOrMakeKey(this.#keyFile).catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }
}

async function readOrMakeKey(file: string): Promise<Buffer> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return makeKey(file);
  const key = Buffer.from(text, "base64");
  if (key.length === KEY_BYTES) return key;
  throw new Error(
    `${file} is damaged: it must hold ${KEY_BYTES} bytes as base64. Restore it, or remove it and deploy the functions ` +
      "again whose registry asks for a password",
  );
}

/** On disk before anything is sealed with it. */
async function makeKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  const temporary = `${file}.new`;
  {
    await using handle = await open(temporary, "w", 0o600);
    await handle.writeFile(`${key.toString("base64")}\n`);
    await handle.sync();
  }
  await rename(temporary, file);
  await using folder = await open(dirname(file), "r");
  await folder.sync();
  return key;
}
