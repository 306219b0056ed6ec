/** How images are named (the grammar of the distribution project's package `reference`): host:port/path:tag@digest. */

const HOST = /^[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?$|^\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const CHARACTERS_MAX = 512;

export interface ImageReference {
  /** What the engine pulls: with a tag, since without one it would pull all of them. */
  readonly full: string;
}

/** Throws an Error that says what is wrong with it. */
export function parseImageReference(text: string): ImageReference {
  const [named = "", digest, ...tooMany] = text.split("@");
  const slash = named.lastIndexOf("/");
  // A colon after the last slash begins the tag; one before it, a port.
  const colon = named.indexOf(":", slash + 1);
  const tag = colon === -1 ? undefined : named.slice(colon + 1);
  const components = (colon === -1 ? named : named.slice(0, colon)).split("/");
  const first = components[0]!;
  const hasHost = components.length > 1 && (/[.:]/.test(first) || first === "localhost");
  const isValid =
    text.length <= CHARACTERS_MAX &&
    tooMany.length === 0 &&
    (!hasHost || HOST.test(first)) &&
    components.slice(hasHost ? 1 : 0).every((component) => COMPONENT.test(component)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isValid) {
    throw new Error(
      `${JSON.stringify(text.slice(0, CHARACTERS_MAX))} does not name an image: write [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST], ` +
        `PATH in lower case, such as registry.example.com/team/greeter:1.0`,
    );
  }
  return { full: tag === undefined && digest === undefined ? `${text}:latest` : text };
}

/** Whether it is the id of an image, which is the digest of its configuration. */
export function isImageId(text: string): boolean {
  return DIGEST.test(text);
}
