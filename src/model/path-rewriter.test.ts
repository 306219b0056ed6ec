import assert from "node:assert/strict";
import { test } from "node:test";
import { pathRewriter, REWRITTEN_PATH_MAX_CHARS, RewriteRuleError } from "./path-rewriter.ts";
import type { RewriteConfig, RewriteRule } from "./resources.ts";

const NONE: RewriteConfig = { equalRules: [], wildcardRules: [], regexRules: [] };

function rules(...pairs: [match: string, replacement: string][]): RewriteRule[] {
  return pairs.map(([match, replacement]) => ({ match, replacement }));
}

test("pathRewriter: whole paths first, then wildcards, then regular expressions; the first that matches counts", () => {
  const rewrite = pathRewriter({
    equalRules: rules(["/a.B/C", "/x.Y/Z"], ["/a.B/C", "/never"]),
    wildcardRules: rules(["^/v1/*", "/$1"], ["/old.*/", "/new.$1/"]),
    regexRules: rules(["^/([a-z]+)\\.([A-Z]\\w*)/", "/$2.$1/"], ["Z$", "$0$0"]),
  });
  const cases: [string, string][] = [
    ["/a.B/C", "/x.Y/Z"],
    ["/v1/a.B/C", "/a.B/C"],
    ["/p/v1/x", "/p/v1/x"],
    ["/p/old.Q/M", "/p/new.Q/M"],
    ["/a.B/D", "/B.a/D"],
    ["/1.B/Z", "/1.B/ZZ"],
    ["/1.B/D", "/1.B/D"],
  ];
  for (const [path, expected] of cases) assert.equal(rewrite(path), expected, path);
});

test("pathRewriter: characters of a wildcard rule mean themselves; a path always begins with /", () => {
  const rewrite = pathRewriter({ ...NONE, wildcardRules: rules(["^/a+(b)*", "c$1"], ["[$]", ""]) });
  assert.equal(rewrite("/a+(b)/d"), "/c/d");
  assert.equal(rewrite("/aab"), "/aab");
  assert.equal(rewrite("/x[$]y"), "/xy");
});

test("pathRewriter: what backtracks for ever elsewhere takes linear time, and too long a path is given up", () => {
  const rewrite = pathRewriter({ ...NONE, regexRules: rules(["^/(a+)+$", "/b"], ["(x+x+)+y", "/c"]) });
  const path = `/${"a".repeat(3000)}!`;
  assert.equal(rewrite(path), path);
  assert.equal(rewrite(`/${"x".repeat(100_000)}`), undefined);
  const doubling = pathRewriter({ ...NONE, wildcardRules: rules(["^*", "$1$1"]) });
  assert.equal(doubling(`/${"a".repeat(REWRITTEN_PATH_MAX_CHARS / 2 - 1)}`)?.length, REWRITTEN_PATH_MAX_CHARS);
  assert.equal(doubling(`/${"a".repeat(REWRITTEN_PATH_MAX_CHARS / 2)}`), undefined);
});

test("pathRewriter refuses what it cannot run, in words", () => {
  const refused: [RewriteRule[], RegExp][] = [
    [rules(["(a", "/"]), /that RE2 takes/],
    [rules(["(a)\\1", "/"]), /back-references/],
    [rules(["a", "/$1"]), /\$1 is not there/],
    [Array.from({ length: 20 }, () => ({ match: "(?:a?){40}b", replacement: "/" })), /at most 1000 are run/],
  ];
  for (const [regexRules, message] of refused) {
    assert.throws(
      () => pathRewriter({ ...NONE, regexRules }),
      (error) => {
        assert.ok(error instanceof RewriteRuleError);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
