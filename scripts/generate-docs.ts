/**
 * Writes the parts of the manual that are tables of the code, between markers, and the files that are descriptions of
 * it, so that they cannot drift:
 * `node bin/node24.js scripts/generate-docs.ts`; with --check it fails where a file is not as it would be written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Dialect, METRICS, OPERATIONS, type Operation, openApi } from "../src/control/control.ts";
import { GATEWAY_LIMITS } from "../src/gateway/gateway.ts";
import { statusName } from "../src/grpc/grpc.ts";
import { LIMITS, type Limit } from "../src/h2/h2.ts";
import { type FaultRow, faultTable } from "../src/model/model.ts";
import { describeConfiguration } from "../src/server/configuration.ts";
import { attacksByFile } from "../test/attack/attacks/all.ts";
import { type AttackEnd, MEMORY_MAX_MIB } from "../test/attack/support/attack.ts";

const root = resolve(import.meta.dirname, "..");

/** Defaults that depend on the machine are said in words, so that the page is the same everywhere. */
const MACHINE: ReadonlySet<string> = new Set(["startsAtOnceMax", "instanceMemoryMaxMb", "memoryMaxMb"]);

const generated: readonly { readonly file: string; readonly marker: string; readonly text: string }[] = [
  { file: "docs/errors.md", marker: "faults", text: faults() },
  { file: "docs/configuration.md", marker: "settings", text: settings() },
  { file: "docs/metrics.md", marker: "metrics", text: metrics() },
  { file: "docs/limits.md", marker: "gateway limits", text: limits(GATEWAY_LIMITS) },
  { file: "docs/limits.md", marker: "limits", text: limits(LIMITS) },
  { file: "docs/limits.md", marker: "attacks", text: attacks() },
  ...dialects().map((dialect) => ({ file: "docs/api.md", marker: `operations ${dialect}`, text: operations(dialect) })),
];

/** Files that are generated as a whole. */
const generatedFiles: readonly { readonly file: string; readonly text: string }[] = dialects().map((dialect) => ({
  file: `docs/openapi/${dialect}.json`,
  text: `${byLines(openApi(dialect), 3)}\n`,
}));

function dialects(): Dialect[] {
  return Object.keys(OPERATIONS) as Dialect[];
}

/** JSON with a line for each member down to a depth: one for an operation, or a schema, so that changes are told apart. */
function byLines(value: unknown, depth: number, indent = ""): string {
  if (depth === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const inner = `${indent} `;
  const members = Object.entries(value).map(
    ([key, each]) => `${inner}${JSON.stringify(key)}: ${byLines(each, depth - 1, inner)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

function operations(dialect: Dialect): string {
  const rows = [...OPERATIONS[dialect]]
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((operation) =>
      [
        operation.name,
        `\`${operation.method} ${operation.path}\``,
        operation.verdict,
        operationInWords(operation),
      ].join(" | "),
    );
  return ["operation | method and path | verdict | what it answers", "---|---|---|---", ...rows].join("\n");
}

function operationInWords(operation: Operation): string {
  switch (operation.verdict) {
    case "complete":
      return "";
    case "refused":
      return `\`${operation.code}\`: ${operation.sentence}`;
    case "empty":
      if (operation.answer.kind === "body") return `\`${JSON.stringify(operation.answer.body)}\``;
      if (operation.answer.kind === "none") return "204";
      return `\`${operation.answer.code}\``;
    default:
      throw new Error(`Unknown operation ${JSON.stringify(operation satisfies never)}`);
  }
}

function faults(): string {
  const rows = Object.entries(faultTable).map(([errorType, row]: [string, FaultRow]) =>
    [
      `\`${errorType}\``,
      `${row.grpcStatus} ${statusName(row.grpcStatus)}`,
      row.culprit,
      row.meaning,
      row.begins.trim(),
    ].join(" | "),
  );
  return [
    "x-fc-error-type | grpc-status | whose fault | what happened | message begins",
    "---|---|---|---|---",
    ...rows,
  ].join("\n");
}

function settings(): string {
  const rows = describeConfiguration().map(({ name, value, meaning }) =>
    [`\`${name}\``, MACHINE.has(name) ? "(see meaning)" : `\`${JSON.stringify(value)}\``, meaning].join(" | "),
  );
  return ["key | default | meaning", "---|---|---", ...rows].join("\n");
}

function limits(table: Readonly<Record<string, Limit>>): string {
  const rows = Object.entries(table).map(([name, { value, meaning, source, token }]) => {
    const tokens =
      token === ""
        ? ""
        : token
            .split(", ")
            .map((one) => `\`${one}\``)
            .join(", ");
    return [`\`${name}\``, MACHINE.has(name) ? "(see meaning)" : value, unitOf(name), meaning, source, tokens].join(
      " | ",
    );
  });
  return ["name | default | unit | what is bounded | source | token", "---|---|---|---|---|---", ...rows].join("\n");
}

function metrics(): string {
  const rows = Object.entries(METRICS).map(([name, { type, label, meaning }]) =>
    [`\`${name}\``, type, label === undefined ? "" : `\`${label}\``, meaning].join(" | "),
  );
  return ["name | type | label | what it is", "---|---|---|---", ...rows].join("\n");
}

function attacks(): string {
  const rows = Object.entries(attacksByFile).flatMap(([file, played]) =>
    played.map(({ name, source, limits: names, end, connections = 1, memoryMaxMib = MEMORY_MAX_MIB }) =>
      [
        connections === 1 ? name : `${name}, on ${connections} connections`,
        source,
        names.map((limit) => `\`${limit}\``).join(", "),
        endInWords(end),
        memoryMaxMib,
        file,
      ].join(" | "),
    ),
  );
  return ["attack | source | limits | what it gets | MiB at most | test", "---|---|---|---|---|---", ...rows].join(
    "\n",
  );
}

function endInWords(end: AttackEnd): string {
  switch (end.by) {
    case "goaway":
      return `GOAWAY ${end.code}, \`${end.token}\``;
    case "reset":
      return `RST_STREAM ${end.code}, \`${end.token}\``;
    case "status":
      return `grpc-status ${end.status}, \`${end.token}\``;
    case "close":
      return `closed, \`${end.token}\``;
    case "nothing":
      return "nothing: it does no harm";
    default:
      throw new Error(`Unknown end ${JSON.stringify(end satisfies never)}`);
  }
}

/** The unit that a limit's name ends in. */
function unitOf(name: string): string {
  if (name.endsWith("Mb")) return "MB";
  if (name.endsWith("PerSecond")) return "per second";
  if (/Bytes$/.test(name)) return "bytes";
  if (name.endsWith("Ms")) return "milliseconds";
  if (name.endsWith("Percent")) return "percent";
  return "count";
}

const check = process.argv.includes("--check");
let stale = 0;
for (const { file, marker, text } of generated) {
  const before = textOf(file);
  const [begin, end] = [`<!-- generated: ${marker} -->`, `<!-- end of generated: ${marker} -->`];
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} lacks the markers ${begin} and ${end}`);
  put(file, before, `${before.slice(0, from + begin.length)}\n\n${text}\n\n${before.slice(to)}`);
}
for (const { file, text } of generatedFiles) put(file, textOf(file), text);
process.exitCode = stale === 0 ? 0 : 1;

function textOf(file: string): string {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function put(file: string, before: string, after: string): void {
  if (after === before) return;
  if (check) {
    console.error(`${file} is not what the code says: run 'node bin/node24.js scripts/generate-docs.ts'`);
    stale += 1;
    return;
  }
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), after);
  console.log(`wrote ${file}`);
}
