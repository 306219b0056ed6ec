/** Reading s.yaml: the file itself, what it extends, its .env, its edition and its services in order. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseEnv } from "node:util";
import { CliError } from "../cli-error.ts";
import { child, type MapNode, mergeNodes, type Place, YamlError, type YamlNode } from "./node.ts";
import { readYaml } from "./read-yaml.ts";
import { servicesNamedIn } from "./variables.ts";

/** How many files may extend one another. */
const EXTEND_DEPTH_MAX = 16;

/** An s.yaml as it was read: variables still in it. */
export interface Template {
  /** As it is named to the user. */
  readonly file: string;
  /** Absolute; paths in the file are relative to it. */
  readonly folder: string;
  /** The whole document, with what it extends. */
  readonly root: MapNode;
  /** The process's environment, and beneath it the `.env` beside the file. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Services by id, those that others refer to first. */
  readonly services: ReadonlyMap<string, MapNode>;
}

/**
 * Reads the template at `path`, or the s.yaml or s.yml of `cwd`. Throws a CliError where there is none, it is of another
 * edition, or malformed.
 */
export function readTemplate(
  path: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Template {
  const absolute = path === undefined ? defaultTemplate(cwd) : resolve(cwd, path);
  if (absolute === undefined) throw new CliError(`no s.yaml in ${cwd}: name one with -t FILE`);
  const file = shownName(absolute, cwd);
  const root = readWithBases(absolute, cwd, 0);
  if (root.kind !== "map") throw new YamlError(root, "expected a mapping with edition and services");
  checkEdition(root);
  const folder = dirname(absolute);
  return { file, folder, root, env: { ...dotEnv(folder), ...env }, services: orderedServices(root) };
}

/** The template that is meant when none is named; undefined where there is none. */
export function defaultTemplate(cwd: string): string | undefined {
  return [join(cwd, "s.yaml"), join(cwd, "s.yml")].find((candidate) => existsSync(candidate));
}

function shownName(absolute: string, cwd: string): string {
  const name = relative(cwd, absolute);
  return name.startsWith("..") ? absolute : name;
}

/** A file laid over those that it extends, the first named lowest. */
function readWithBases(absolute: string, cwd: string, depth: number, from?: Place): YamlNode {
  const file = shownName(absolute, cwd);
  let text: string;
  try {
    text = readFileSync(absolute, "utf8");
  } catch (error) {
    const why = `cannot read ${file}: ${(error as Error).message}`;
    throw from === undefined ? new CliError(why) : new YamlError(from, `extend: ${why}`);
  }
  const own = readYaml(text, file);
  const extended = child(own, "extend") ?? child(own, "extends");
  if (extended === undefined) return own;
  if (depth === EXTEND_DEPTH_MAX)
    throw new YamlError(extended, "extend: expected an end, but the files extend one another");
  const names = extended.kind === "list" ? extended.items : [extended];
  const bases = names.map((name) => {
    if (name.kind !== "scalar" || typeof name.value !== "string") {
      throw new YamlError(name, "extend: expected the path of a YAML file");
    }
    return readWithBases(resolve(dirname(absolute), name.value), cwd, depth + 1, name);
  });
  return [...bases, own].reduce(mergeNodes);
}

function checkEdition(root: MapNode): void {
  const edition = root.entries.get("edition");
  const value = edition?.node.kind === "scalar" ? String(edition.node.value) : undefined;
  if (value === "1.0.0") return;
  if (edition === undefined) throw new YamlError(root, "edition: expected 1.0.0, got nothing");
  throw new YamlError(edition, `edition: this version of Sluice reads edition 1.0.0, got ${value ?? "no text"}`);
}

function dotEnv(folder: string): NodeJS.Dict<string> {
  const path = join(folder, ".env");
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

/** Services in such an order that those whose props or output others name come first; otherwise as written. */
function orderedServices(root: MapNode): Map<string, MapNode> {
  const services = root.entries.get("services");
  if (services?.node.kind !== "map" || services.node.entries.size === 0) {
    throw new YamlError(services ?? root, "services: expected a mapping with at least one service");
  }
  const waiting = new Map<string, MapNode>();
  for (const [id, { node, ...place }] of services.node.entries) {
    if (node.kind !== "map") throw new YamlError(place, `services.${id}: expected a mapping with component and props`);
    waiting.set(id, node);
  }
  const ids = new Set(waiting.keys());
  const ordered = new Map<string, MapNode>();
  while (waiting.size > 0) {
    const ready = [...waiting].find(([id, node]) =>
      [...servicesNamedIn(node, ids)].every((named) => named === id || ordered.has(named)),
    );
    if (ready === undefined) {
      const names = [...waiting.keys()].join(", ");
      throw new YamlError(services, `services: expected an order, but ${names} refer to one another`);
    }
    ordered.set(...ready);
    waiting.delete(ready[0]);
  }
  return ordered;
}
