/**
 * Variables of s.yaml, edition 1.0.0: `${vars.x}`, `${env.X}`, `${env(X)}`, `${config(AccountID)}`, `${file(./f)}`,
 * `${path(./p)}`, `${this.props.x}`, `${service.props.x}` and `${service.output.x}`. One that stands alone keeps its
 * type, also a whole mapping. Text in `${...}` of any other form is left as it is: it may be meant for a shell.
 */
import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { child, descend, fromPlain, type MapEntry, type Place, toPlain, YamlError, type YamlNode } from "./node.ts";
import { readYaml } from "./read-yaml.ts";

/** Where variables find their values. */
export interface VariableScope {
  /** The merged document, with variables in it. */
  readonly root: YamlNode;
  /** Folder of s.yaml; paths are relative to it. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `${config(NAME)}` gives: AccountID, AccessKeyID, AccessKeySecret. */
  readonly config: Readonly<Record<string, string>>;
  /** What a service's deployment gave, by the service's id. */
  readonly outputs: ReadonlyMap<string, unknown>;
  /** Services that will be deployed: where their output is not there yet, the variable is left in place. */
  readonly pending: ReadonlySet<string>;
  /** Id of the service that is looked at, for `${this...}`. */
  readonly serviceId?: string;
}

const VARIABLE = /\$\{([^{}]*)\}/g;
const FUNCTION_FORM = /^(env|config|file|path)\(\s*(['"]?)(.*?)\2\s*\)$/;
const DOTTED_FORM = /^[\w-]+(\.[\w-]+)+$/;
/** A variable may lead to a text with variables; deeper than this it leads to itself. */
const DEPTH_MAX = 16;

/** `node` with every variable replaced. Throws a YamlError at the place of one that leads nowhere. */
export function resolveVariables(node: YamlNode, scope: VariableScope, depth = 0): YamlNode {
  switch (node.kind) {
    case "scalar":
      return typeof node.value === "string" ? resolveText(node.value, node, scope, depth) : node;
    case "list":
      return { ...node, items: node.items.map((item) => resolveVariables(item, scope, depth)) };
    case "map": {
      const entries = new Map<string, MapEntry>();
      for (const [key, entry] of node.entries) {
        entries.set(key, { ...entry, node: resolveVariables(entry.node, scope, depth) });
      }
      return { ...node, entries };
    }
    default:
      throw new Error(`Unknown node ${JSON.stringify(node satisfies never)}`);
  }
}

/** Ids of services whose props or output `node` names, among `serviceIds`. */
export function servicesNamedIn(node: YamlNode, serviceIds: ReadonlySet<string>): Set<string> {
  const text = JSON.stringify(toPlain(node));
  const named = new Set<string>();
  for (const [, expression = ""] of text.matchAll(VARIABLE)) {
    const [first = "", second] = expression.trim().split(".");
    if (serviceIds.has(first) && (second === "props" || second === "output")) named.add(first);
  }
  return named;
}

function resolveText(text: string, place: Place, scope: VariableScope, depth: number): YamlNode {
  if (depth > DEPTH_MAX) throw new YamlError(place, `${text}: expected an end, but the variable leads back to itself`);
  const whole = /^\$\{([^{}]*)\}$/.exec(text.trim());
  if (whole?.[1] !== undefined) {
    const value = lookUp(whole[1].trim(), place, scope, depth);
    return value ?? scalar(text, place);
  }
  const replaced = text.replace(VARIABLE, (match, expression: string) => {
    const value = lookUp(expression.trim(), place, scope, depth);
    if (value === undefined) return match;
    return value.kind === "scalar" ? String(value.value ?? "") : JSON.stringify(toPlain(value));
  });
  return scalar(replaced, place);
}

/** The value of one variable; undefined where the text is none of ours, or an output that is still to come. */
function lookUp(expression: string, place: Place, scope: VariableScope, depth: number): YamlNode | undefined {
  const called = FUNCTION_FORM.exec(expression);
  if (called?.[1] !== undefined) return callFunction(called[1], called[3] ?? "", place, scope);
  if (!DOTTED_FORM.test(expression)) return undefined;
  const [first = "", ...way] = expression.split(".");
  if (first === "env") return environment(way.join("."), place, scope);
  if (first === "vars") return found(descend(child(scope.root, "vars"), way), expression, place, scope, depth);

  const serviceId = first === "this" ? scope.serviceId : first;
  const service = serviceId === undefined ? undefined : child(child(scope.root, "services"), serviceId);
  if (serviceId === undefined || service === undefined) return undefined;
  if (way[0] === "output") return output(serviceId, way.slice(1), expression, place, scope);
  if (way[0] === "name") return scalar(serviceId, place);
  return found(descend(service, way), expression, place, { ...scope, serviceId }, depth);
}

function callFunction(name: string, argument: string, place: Place, scope: VariableScope): YamlNode {
  const path = resolve(scope.folder, argument);
  switch (name) {
    case "env":
      return environment(argument, place, scope);
    case "path":
      return scalar(path, place);
    case "config": {
      const value = scope.config[argument];
      if (value !== undefined) return scalar(value, place);
      throw new YamlError(
        place,
        `\${config(${argument})}: expected one of ${Object.keys(scope.config).join(", ")}, got "${argument}"`,
      );
    }
    default:
      return fileContent(argument, path, place);
  }
}

function fileContent(name: string, path: string, place: Place): YamlNode {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new YamlError(place, `\${file(${name})}: expected a file that can be read: ${(error as Error).message}`);
  }
  const isData = [".yaml", ".yml", ".json"].includes(extname(path).toLowerCase());
  return isData ? readYaml(text, name) : scalar(text, place);
}

function environment(name: string, place: Place, scope: VariableScope): YamlNode {
  const value = scope.env[name];
  if (value !== undefined) return scalar(value, place);
  throw new YamlError(
    place,
    `\${env.${name}}: expected the environment variable ${name}, which is not set: export it, or write it into .env beside s.yaml`,
  );
}

function output(
  serviceId: string,
  way: readonly string[],
  expression: string,
  place: Place,
  scope: VariableScope,
): YamlNode | undefined {
  if (!scope.outputs.has(serviceId)) {
    if (scope.pending.has(serviceId)) return undefined;
    throw new YamlError(
      place,
      `\${${expression}}: expected the output of ${serviceId}, which is not part of this run: deploy it together with this one`,
    );
  }
  const value = descend(fromPlain(scope.outputs.get(serviceId), place), way);
  if (value === undefined)
    throw new YamlError(place, `\${${expression}}: expected a value, but ${serviceId} gives none`);
  return value;
}

function found(
  node: YamlNode | undefined,
  expression: string,
  place: Place,
  scope: VariableScope,
  depth: number,
): YamlNode {
  if (node === undefined) throw new YamlError(place, `\${${expression}}: expected a value, but there is none`);
  return resolveVariables(node, scope, depth + 1);
}

function scalar(value: string, place: Place): YamlNode {
  return { kind: "scalar", file: place.file, line: place.line, value };
}
