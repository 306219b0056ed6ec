/**
 * What keys a mapping of s.yaml may hold and what their values must be: a small language, since every complaint must
 * name file, line and key, mistyped keys are found, and keys that Sluice does not honour yet are told of.
 */

import { nearMatch } from "./near-match.ts";
import { describeNode, type MapNode, type Place, toPlain, YamlError, type YamlNode } from "./node.ts";

/** Where a value stands, and where notes about it go. */
export interface Position {
  /** Keys that lead there, for instance `services.helloworld.props.function`. */
  readonly way: string;
  readonly place: Place;
  /** Tells the user of something that is no mistake. */
  readonly note: (line: string) => void;
}

/** Turns the node at a position into a value; throws a YamlError where it is none of its kind. */
export type Shape<T> = (node: YamlNode, position: Position) => T;

/** A key of a mapping. */
export interface Field<T> {
  readonly shape: Shape<T>;
  readonly required: boolean;
}

export function needed<T>(shape: Shape<T>): Field<T> {
  return { shape, required: true };
}

export function optional<T>(shape: Shape<T>): Field<T | undefined> {
  return { shape, required: false };
}

/** A key that Function Compute knows and Sluice does not honour yet: accepted, with one line. */
export const notHonoured: Field<undefined> = {
  required: false,
  shape: (node, { way, place, note }) => {
    if (!isEmpty(node)) note(`${place.file}:${place.line}: ${way}: accepted, but Sluice does not honour it yet`);
    return undefined;
  },
};

/** Anything, taken as it is. */
export const anything: Shape<unknown> = (node) => toPlain(node);

/** Text; a number or a boolean is taken as its text. */
export function text(rule?: { readonly pattern: RegExp; readonly expected: string }): Shape<string> {
  return (node, position) => {
    if (node.kind !== "scalar" || node.value === null) throw mismatch(node, position, rule?.expected ?? "text");
    const value = String(node.value);
    if (rule !== undefined && !rule.pattern.test(value)) throw mismatch(node, position, rule.expected);
    return value;
  };
}

/** One of a few words or numbers. */
export function oneOf<const T extends string | number>(...words: readonly T[]): Shape<T> {
  return (node, position) => {
    const word = words.find((candidate) => node.kind === "scalar" && candidate === node.value);
    if (word === undefined)
      throw mismatch(node, position, words.length === 1 ? `${words[0]}` : `one of ${words.join(", ")}`);
    return word;
  };
}

/** A number within bounds, both included, in steps from 0; its text is taken too, since variables give text. */
export function number(bounds: { readonly from: number; readonly to: number; readonly step?: number }): Shape<number> {
  const { from, to, step = 1 } = bounds;
  const what =
    step === 1 ? `a whole number from ${from} to ${to}` : `a number from ${from} to ${to} in steps of ${step}`;
  return (node, position) => {
    const raw = node.kind === "scalar" ? node.value : null;
    const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
    const fits = typeof value === "number" && value >= from && value <= to;
    // Steps may be fractions: compare in steps, with the rounding of binary fractions forgiven.
    if (!fits || Math.abs(value / step - Math.round(value / step)) > 1e-9) throw mismatch(node, position, what);
    return value;
  };
}

export const flag: Shape<boolean> = (node, position) => {
  const value = node.kind === "scalar" ? String(node.value) : "";
  if (value !== "true" && value !== "false") throw mismatch(node, position, "true or false");
  return value === "true";
};

export function list<T>(item: Shape<T>): Shape<T[]> {
  return (node, position) => {
    if (node.kind !== "list") throw mismatch(node, position, "a list");
    return node.items.map((each, index) => item(each, { ...position, way: `${position.way}[${index}]`, place: each }));
  };
}

/** A mapping of any names to texts. */
export const texts: Shape<Record<string, string>> = (node, position) => {
  if (isEmpty(node)) return {};
  if (node.kind !== "map") throw mismatch(node, position, "a mapping of names to texts");
  const result: Record<string, string> = {};
  for (const [key, entry] of node.entries) {
    result[key] = text()(entry.node, { ...position, way: `${position.way}.${key}`, place: entry });
  }
  return result;
};

/** Values of a mapping by its fields. */
export type ValuesOf<Fields> = { -readonly [Key in keyof Fields]: Fields[Key] extends Field<infer T> ? T : never };

/** A mapping of named fields. A key that looks like a mistyped one is an error, another unknown one a note. */
export function mapping<Fields extends Readonly<Record<string, Field<unknown>>>>(
  fields: Fields,
): Shape<ValuesOf<Fields>> {
  return (node, position) => {
    if (node.kind !== "map") throw mismatch(node, position, "a mapping");
    refuseMistypedKeys(node, Object.keys(fields), position);
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const entry = node.entries.get(key);
      const way = position.way === "" ? key : `${position.way}.${key}`;
      if (entry !== undefined && !(isEmpty(entry.node) && !field.required)) {
        values[key] = field.shape(entry.node, { ...position, way, place: entry });
      } else if (field.required) {
        throw new YamlError(position.place, `${way}: expected a value, got nothing`);
      }
    }
    return values as ValuesOf<Fields>;
  };
}

function refuseMistypedKeys(node: MapNode, known: readonly string[], { way, note }: Position): void {
  for (const [key, place] of node.entries) {
    if (known.includes(key)) continue;
    const path = way === "" ? key : `${way}.${key}`;
    const meant = nearMatch(
      key,
      known.filter((name) => !node.entries.has(name)),
    );
    if (meant !== undefined) throw new YamlError(place, `${path}: expected ${meant}, got ${key}`);
    note(`${place.file}:${place.line}: ${path}: unknown to Sluice, ignored`);
  }
}

/** A complaint about the value of the position's key. */
export function mismatch(node: YamlNode, position: Position, expected: string): YamlError {
  return new YamlError(position.place, `${position.way}: expected ${expected}, got ${describeNode(node)}`);
}

/** `key:` without a value. */
function isEmpty(node: YamlNode): boolean {
  return node.kind === "scalar" && node.value === null;
}
