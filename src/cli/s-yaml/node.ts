/**
 * Values of a YAML file that know where they were written, also after files were merged and variables put in: so that
 * every complaint names the line that its reader has to change.
 */
import { CliError } from "../cli-error.ts";

/** Where something stands: file as it is shown to the user, line from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface ScalarNode extends Place {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
}

export interface ListNode extends Place {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

export interface MapNode extends Place {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** A key's place and its value; the value may stand elsewhere, where a variable brought it. */
export interface MapEntry extends Place {
  readonly node: YamlNode;
}

export type YamlNode = ScalarNode | ListNode | MapNode;

/** What is wrong at one place: `FILE:LINE: key: what is expected, what was given`. */
export class YamlError extends CliError {
  constructor(place: Place, message: string) {
    super(`${place.file}:${place.line}: ${message}`);
    this.name = "YamlError";
  }
}

/** The value of `key`; undefined where `node` is no map or has none. */
export function child(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === "map" ? node.entries.get(key)?.node : undefined;
}

/** The value at the end of a way of keys (for a list, of numbers from 0). */
export function descend(node: YamlNode | undefined, way: readonly string[]): YamlNode | undefined {
  let current = node;
  for (const step of way) {
    current = current?.kind === "list" ? current.items[Number(step)] : child(current, step);
  }
  return current;
}

/** Plain data, without places. */
export function toPlain(node: YamlNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toPlain);
    case "map":
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
    default:
      throw new Error(`Unknown node ${JSON.stringify(node satisfies never)}`);
  }
}

/** Makes nodes of plain data that was written nowhere, all at `place`. Undefined becomes null. */
export function fromPlain(value: unknown, place: Place): YamlNode {
  const { file, line } = place;
  if (Array.isArray(value)) return { kind: "list", file, line, items: value.map((item) => fromPlain(item, place)) };
  if (typeof value === "object" && value !== null) {
    const entries = new Map<string, MapEntry>();
    for (const [key, item] of Object.entries(value)) entries.set(key, { file, line, node: fromPlain(item, place) });
    return { kind: "map", file, line, entries };
  }
  const scalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
  return { kind: "scalar", file, line, value: scalar };
}

/** `over` laid over `base`: maps key by key, anything else replaced whole (Serverless Devs, "extend"). */
export function mergeNodes(base: YamlNode, over: YamlNode): YamlNode {
  if (base.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? entry : { ...entry, node: mergeNodes(below.node, entry.node) });
  }
  return { ...over, entries };
}

/** How a value is shown in a complaint. */
export function describeNode(node: YamlNode | undefined): string {
  if (node === undefined) return "nothing";
  if (node.kind === "list") return "a list";
  if (node.kind === "map") return "a mapping";
  return node.value === null ? "nothing" : JSON.stringify(node.value);
}
