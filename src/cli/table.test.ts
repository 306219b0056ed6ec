import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "./table.ts";

test("formatTable aligns columns by their widest cell and leaves no blanks at line ends", () => {
  const table = formatTable(
    ["NAME", "N", "X"],
    [
      ["a/function", "1", ""],
      ["b", "1000", "y"],
    ],
  );
  assert.equal(table, "NAME        N     X\na/function  1\nb           1000  y");
});

test("formatTable shows the heading alone where there are no rows", () => {
  assert.equal(formatTable(["A", "B"], []), "A  B");
});
