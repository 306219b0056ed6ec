import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { nearMatch } from "./near-match.ts";
import { toPlain } from "./node.ts";
import { readYaml } from "./read-yaml.ts";
import { readTemplate } from "./template.ts";
import { resolveVariables } from "./variables.ts";

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-template-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const SERVICE = "services:\n  one:\n    component: fc\n    props: {}\n";

function resolved(text: string, extra: { env?: Record<string, string>; outputs?: Map<string, unknown> } = {}): unknown {
  const root = readYaml(text, "s.yaml");
  return toPlain(
    resolveVariables(root, {
      root,
      folder: import.meta.dirname,
      env: extra.env ?? {},
      config: { AccountID: "123" },
      outputs: extra.outputs ?? new Map(),
      pending: new Set(["a", "b"]),
      serviceId: "b",
    }),
  );
}

test("readYaml tells the line of a syntax error", () => {
  assert.throws(() => readYaml("a: 1\nb: [1, 2\nc: 3\n", "s.yaml"), /^YamlError: s\.yaml:3: /);
});

test("readYaml tells the line of a key that is there twice", () => {
  assert.throws(() => readYaml("a: 1\nb: 2\na: 3\n", "s.yaml"), /^YamlError: s\.yaml:3: Map keys must be unique/);
});

test("readYaml follows anchors and merge keys, and what stands beside a merge key wins", () => {
  const text = "base: &base {x: 1, y: 2}\none: {<<: *base, y: 3}\ntwo: *base\n";
  assert.deepEqual(toPlain(readYaml(text, "s.yaml")), {
    base: { x: 1, y: 2 },
    one: { x: 1, y: 3 },
    two: { x: 1, y: 2 },
  });
});

test("readYaml refuses aliases that multiply without end", () => {
  const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 7; i++)
    bomb.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(",")}]`,
    );
  assert.throws(() => readYaml(bomb.join("\n"), "s.yaml"), /expected at most 100000 values/);
});

test("resolveVariables keeps the type of a variable that stands alone, and makes text of one within text", () => {
  const text = `vars: {port: 8089, on: true, map: {a: [1]}}\nx: \${vars.port}\ny: p\${vars.port}\nz: \${vars.map}\nw: \${vars.on}\n`;
  const { x, y, z, w } = resolved(text) as Record<string, unknown>;
  assert.deepEqual([x, y, z, w], [8089, "p8089", { a: [1] }, true]);
});

test("resolveVariables reads the environment in both spellings", () => {
  const text = `x: \${env.HOME_TOWN}\ny: \${env(HOME_TOWN)}\nz: \${env('HOME_TOWN')}\n`;
  assert.deepEqual(resolved(text, { env: { HOME_TOWN: "Delft" } }), { x: "Delft", y: "Delft", z: "Delft" });
});

test("resolveVariables names the line of a variable that leads nowhere", () => {
  assert.throws(() => resolved(`a: 1\nb: \${vars.missing}\n`), /s\.yaml:2: \$\{vars\.missing\}: expected a value/);
  assert.throws(() => resolved(`a: 1\nb: \${env.MISSING}\n`), /s\.yaml:2: .*MISSING, which is not set/);
});

test("resolveVariables reads files, parsed where they are YAML or JSON, and paths", (t) => {
  const folder = folderWith(t, { "d.yaml": "k: [1, 2]\n", "t.txt": "plain\n" });
  const root = readYaml(`a: \${file(./d.yaml)}\nb: \${file(./t.txt)}\nc: \${path(./x)}\n`, "s.yaml");
  const scope = { root, folder, env: {}, config: {}, outputs: new Map(), pending: new Set<string>() };
  assert.deepEqual(toPlain(resolveVariables(root, scope)), { a: { k: [1, 2] }, b: "plain\n", c: join(folder, "x") });
});

test("resolveVariables follows this, other services, and outputs once they are there", () => {
  const text = [
    "services:",
    "  a: {props: {function: {name: fa}}}",
    `  b: {props: {region: here, copy: '\${this.props.region}', other: '\${a.props.function.name}', url: '\${a.output.url.system_url}'}}`,
  ].join("\n");
  const props = (outputs: Map<string, unknown>) => {
    const { services } = resolved(text, { outputs }) as { services: { b: { props: Record<string, unknown> } } };
    return services.b.props;
  };
  assert.deepEqual(props(new Map()), { region: "here", copy: "here", other: "fa", url: `\${a.output.url.system_url}` });
  assert.equal(props(new Map([["a", { url: { system_url: "https://h" } }]]))["url"], "https://h");
});

test("resolveVariables stops at a variable that leads back to itself", () => {
  assert.throws(() => resolved(`vars: {a: '\${vars.b}', b: '\${vars.a}'}\nx: \${vars.a}\n`), /leads back to itself/);
});

test("resolveVariables leaves text alone that is no variable of ours", () => {
  const text = `a: \${HOME}\nb: \${x:-y}\nc: $(date)\nd: \${something.else}\n`;
  assert.deepEqual(resolved(text), { a: `\${HOME}`, b: `\${x:-y}`, c: "$(date)", d: `\${something.else}` });
});

test("readTemplate takes the guide's s.yaml as it stands", () => {
  const path = join(import.meta.dirname, "testing", "seed.s.yaml");
  const template = readTemplate(path, import.meta.dirname, {});
  assert.equal(template.file, "testing/seed.s.yaml");
  assert.deepEqual([...template.services.keys()], ["helloworld"]);
  assert.match(readFileSync(path, "utf8"), /全局变量/, "the fixture is the guide's text, comments and all");
});

test("readTemplate orders services by what they refer to, else as written", (t) => {
  const services = [
    "edition: 1.0.0",
    "services:",
    `  c: {component: fc, props: {x: '\${b.output.url}'}}`,
    "  a: {component: fc, props: {}}",
    `  b: {component: fc, props: {x: '\${a.props.y}'}}`,
  ];
  const folder = folderWith(t, { "s.yaml": services.join("\n") });
  assert.deepEqual([...readTemplate(undefined, folder, {}).services.keys()], ["a", "b", "c"]);
});

test("readTemplate refuses services that refer to one another", (t) => {
  const text = `edition: 1.0.0\nservices:\n  a: {props: {x: '\${b.props.y}'}}\n  b: {props: {y: '\${a.props.x}'}}\n`;
  const folder = folderWith(t, { "s.yaml": text });
  assert.throws(() => readTemplate(undefined, folder, {}), /s\.yaml:2: services: .* a, b refer to one another/);
});

test("readTemplate lays a file over those that it extends and keeps the lines of each", (t) => {
  const folder = folderWith(t, {
    "base.yaml": "vars: {a: 1, b: {c: 2, d: 3}}\n",
    "s.yaml": `edition: 1.0.0\nextend: ./base.yaml\nvars: {b: {c: 4}}\n${SERVICE}`,
  });
  const { root } = readTemplate(undefined, folder, {});
  assert.deepEqual((toPlain(root) as { vars: unknown }).vars, { a: 1, b: { c: 4, d: 3 } });
});

test("readTemplate refuses files that extend one another, and names the line of one that is not there", (t) => {
  const folder = folderWith(t, {
    "s.yaml": `edition: 1.0.0\nextend: ./s.yaml\n${SERVICE}`,
    "t.yaml": `edition: 1.0.0\nextends:\n  - ./nowhere.yaml\n${SERVICE}`,
  });
  assert.throws(() => readTemplate(undefined, folder, {}), /s\.yaml:2: extend: .* extend one another/);
  assert.throws(() => readTemplate("t.yaml", folder, {}), /t\.yaml:3: extend: cannot read nowhere\.yaml/);
});

test("readTemplate loads .env beside the file, and the process's environment wins", (t) => {
  const folder = folderWith(t, { "s.yaml": `edition: 1.0.0\n${SERVICE}`, ".env": "A=file\nB=file\n" });
  const { env } = readTemplate(undefined, folder, { A: "process" });
  assert.deepEqual([env["A"], env["B"]], ["process", "file"]);
});

test("readTemplate says which edition it reads", (t) => {
  const folder = folderWith(t, { "s.yaml": "edition: 3.0.0\nresources: {}\n", "t.yaml": "name: x\nservices: {}\n" });
  assert.throws(() => readTemplate(undefined, folder, {}), /s\.yaml:1: edition: .* reads edition 1\.0\.0, got 3\.0\.0/);
  assert.throws(() => readTemplate("t.yaml", folder, {}), /t\.yaml:1: edition: expected 1\.0\.0, got nothing/);
});

test("readTemplate says where it looked for a file", (t) => {
  const folder = folderWith(t, {});
  assert.throws(() => readTemplate(undefined, folder, {}), /no s\.yaml in .*: name one with -t FILE/);
  assert.throws(() => readTemplate("x.yaml", folder, {}), /cannot read x\.yaml/);
});

test("nearMatch finds mistyped words and nothing else", () => {
  const keys = ["instanceConcurrency", "instanceSoftConcurrency", "timeout", "cpu", "codeUri"];
  assert.equal(nearMatch("instanceConcurency", keys), "instanceConcurrency");
  assert.equal(nearMatch("codeuri", keys), "codeUri");
  assert.equal(nearMatch("timeouts", keys), "timeout");
  assert.equal(nearMatch("gpu", ["os", "cpux"]), undefined);
  assert.equal(nearMatch("retries", keys), undefined);
});
