import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JsonSplitter } from "./json-splitter.ts";

/** What is left of a document, and the text that was taken out, the document coming in parts of these sizes. */
function split(document: string | Buffer, sizes: readonly number[] = [1]): { rest: string; text: string | undefined } {
  const splitter = new JsonSplitter(["code", "zipFile"]);
  const bytes = Buffer.from(document as string);
  const rest: Buffer[] = [];
  let text = "";
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const end = at + (sizes[turn % sizes.length] as number);
    for (const piece of splitter.push(bytes.subarray(at, end))) {
      if (piece.kind === "rest") rest.push(piece.bytes);
      else text += piece.text;
    }
    at = end;
  }
  return { rest: Buffer.concat(rest).toString(), text: splitter.found ? text : undefined };
}

test("JsonSplitter: what it leaves of any JSON parses to the same, without the text at the path", () => {
  const keys = fc.constantFrom("code", "zipFile", 'a"b', "\\", "é", "");
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(0, -1.5e3, true, null, "QUJD", '"}{', "\\"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
    ),
  }));
  const document = fc.record(
    { code: fc.oneof(json.value, fc.record({ zipFile: fc.oneof(fc.base64String(), json.value) })), x: json.value },
    { requiredKeys: [] },
  );
  const isBase64 = (value: unknown): value is string => typeof value === "string" && /^[\w+/= \t\r\n-]*$/.test(value);
  fc.assert(
    fc.property(
      document,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.nat(3),
      (value, sizes, indent) => {
        const code = value.code as { zipFile?: unknown } | null | undefined;
        const isObject = typeof code === "object" && code !== null && !Array.isArray(code);
        const zipFile = isObject && Object.hasOwn(code, "zipFile") ? code.zipFile : undefined;
        fc.pre(typeof zipFile !== "string" || isBase64(zipFile));
        const { rest, text } = split(JSON.stringify(value, undefined, indent), sizes);
        assert.equal(text, typeof zipFile === "string" ? zipFile : undefined);
        const expected = text === undefined ? value : { ...value, code: { ...(code as object), zipFile: "" } };
        assert.deepEqual(JSON.parse(rest), JSON.parse(JSON.stringify(expected)));
      },
    ),
    { numRuns: 500 },
  );
});

test("JsonSplitter: escapes that writers of JSON make in base64 are resolved, also in keys", () => {
  const document = '{"c\\u006fde":{"zipFile" : "a\\/b\\u002Bc\\u003d\\r\\n"}}';
  for (const size of [1, 2, 5, 100]) assert.equal(split(document, [size]).text, "a/b+c=\r\n");
});

test("JsonSplitter: other places with the same keys are left alone", () => {
  for (const document of [
    '{"zipFile":"a"}',
    '{"code":"zipFile"}',
    '{"code":["zipFile","a"]}',
    '[{"code":{"zipFile":"a"}}]',
    '{"x":{"code":{"zipFile":"a"}}}',
    '{"code":{"x":{"zipFile":"a"}}}',
    '{"code":{"zipFile":["a"]}}',
    '{"code":{"zipFile":null}}',
    '{"code":{"zipfile":"a"}}',
  ]) {
    assert.deepEqual(split(document), { rest: document, text: undefined });
  }
});
