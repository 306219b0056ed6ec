import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { type MapEntry, type Place, YamlError, type YamlNode } from "./node.ts";

/** Aliases may repeat what they name; more nodes than this is an attack or a mistake. */
const NODES_MAX = 100_000;

/** Reads YAML (or JSON) text; `file` is how the file is named in complaints. Throws a YamlError at the place of a mistake. */
export function readYaml(text: string, file: string): YamlNode {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const placeAt = (offset: number): Place => ({ file, line: lines.linePos(offset).line });
  const mistake = document.errors[0];
  if (mistake !== undefined) throw new YamlError(placeAt(mistake.pos[0]), firstLine(mistake.message));

  let nodeCount = 0;
  const convert = (node: unknown, parent: Place): YamlNode => {
    nodeCount += 1;
    if (nodeCount > NODES_MAX) throw new YamlError(parent, `expected at most ${NODES_MAX} values in one file`);
    const range = (node as Node | null)?.range;
    const place = range ? placeAt(range[0]) : parent;
    if (isAlias(node)) return convert(node.resolve(document), place);
    if (isSeq(node)) return { kind: "list", ...place, items: node.items.map((item) => convert(item, place)) };
    if (isMap(node)) {
      const entries = new Map<string, MapEntry>();
      for (const { key, value } of node.items) {
        const keyPlace = (key as Node | null)?.range ? placeAt((key as Node).range?.[0] ?? 0) : place;
        const name = isScalar(key) ? String(key.value) : String(key);
        const converted = convert(value, keyPlace);
        if (name === "<<" && isAlias(value) && converted.kind === "map") {
          // A merge key: what stands beside it wins (YAML 1.1, "Merge Key").
          for (const [inherited, entry] of converted.entries) {
            if (!entries.has(inherited)) entries.set(inherited, entry);
          }
        } else {
          entries.set(name, { ...keyPlace, node: converted });
        }
      }
      return { kind: "map", ...place, entries };
    }
    const value = isScalar(node) ? node.value : null;
    const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
    return { kind: "scalar", ...place, value: plain };
  };
  return convert(document.contents, { file, line: 1 });
}

/** The yaml library shows the text around a mistake on further lines; the first one says what it is. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}
