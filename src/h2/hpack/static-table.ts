/** The static table, RFC 7541 Appendix A: index 1 to 61. */
const ENTRIES: readonly (readonly [name: string, value?: string])[] = [
  [":authority"],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset"],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language"],
  ["accept-ranges"],
  ["accept"],
  ["access-control-allow-origin"],
  ["age"],
  ["allow"],
  ["authorization"],
  ["cache-control"],
  ["content-disposition"],
  ["content-encoding"],
  ["content-language"],
  ["content-length"],
  ["content-location"],
  ["content-range"],
  ["content-type"],
  ["cookie"],
  ["date"],
  ["etag"],
  ["expect"],
  ["expires"],
  ["from"],
  ["host"],
  ["if-match"],
  ["if-modified-since"],
  ["if-none-match"],
  ["if-range"],
  ["if-unmodified-since"],
  ["last-modified"],
  ["link"],
  ["location"],
  ["max-forwards"],
  ["proxy-authenticate"],
  ["proxy-authorization"],
  ["range"],
  ["referer"],
  ["refresh"],
  ["retry-after"],
  ["server"],
  ["set-cookie"],
  ["strict-transport-security"],
  ["transfer-encoding"],
  ["user-agent"],
  ["vary"],
  ["via"],
  ["www-authenticate"],
];

export const STATIC_TABLE_LENGTH = ENTRIES.length;

/** Names and values by index; index 0 is unused, as in the RFC. */
export const STATIC_NAMES: readonly string[] = ["", ...ENTRIES.map(([name]) => name)];
export const STATIC_VALUES: readonly string[] = ["", ...ENTRIES.map(([, value]) => value ?? "")];

/** First index of a name. */
export const STATIC_NAME_INDEX: ReadonlyMap<string, number> = new Map(
  ENTRIES.map(([name], at): [string, number] => [name, at + 1]).reverse(),
);

/** Index of every (name, value) that has a value, by name. */
export const STATIC_VALUE_INDEX: ReadonlyMap<string, ReadonlyMap<string, number>> = valueIndex();

function valueIndex(): Map<string, Map<string, number>> {
  const byName = new Map<string, Map<string, number>>();
  ENTRIES.forEach(([name, value], at) => {
    if (value === undefined) return;
    const values = byName.get(name) ?? new Map<string, number>();
    byName.set(name, values.set(value, at + 1));
  });
  return byName;
}
