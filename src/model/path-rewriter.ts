/**
 * Rewriting of paths by the rules of a custom domain's route (Function Compute, "Configure rewrite rules"). Rules are
 * the tenant's, and run on the loop of all calls: RE2's engine matches in time linear to the path, whatever the rule.
 */
import { createRequire } from "node:module";
import type { RewriteConfig, RewriteRule } from "./resources.ts";

/** Longest rewritten path: Function Compute's limit of path and query is 4 KB. */
export const REWRITTEN_PATH_MAX_CHARS = 4096;

/** Largest program that the patterns of a route may become together, in RE2's instructions. */
const INSTRUCTIONS_MAX = 1000;

/**
 * Instructions times characters of the path, at the most, for one call: about 40 ms for the worst patterns, microseconds
 * for usual ones. Twenty usual patterns leave room for a path of 300 characters.
 */
const STEPS_MAX = 100_000;

/** Gives the path that the instance sees; undefined: this path is too long to be rewritten, or becomes too long. */
export type PathRewriter = (path: string) => string | undefined;

/** A rule that cannot be used; the message is "expected ...". */
export class RewriteRuleError extends Error {
  override readonly name = "RewriteRuleError";
}

interface Rule {
  readonly pattern: import("re2js").RE2JS;
  readonly replacement: readonly (string | number)[];
}

/** Throws a RewriteRuleError for a rule that cannot be used. */
export function pathRewriter({ equalRules, wildcardRules, regexRules }: RewriteConfig): PathRewriter {
  const equal = new Map<string, string>();
  // The first of several for one path counts.
  for (const { match, replacement } of equalRules) if (!equal.has(match)) equal.set(match, replacement);
  const rules = [
    ...wildcardRules.map((rule) => compiled(rule, wildcardPattern(rule.match))),
    ...regexRules.map((rule) => compiled(rule, rule.match)),
  ];
  const instructions = rules.reduce((sum, { pattern }) => sum + pattern.programSize(), 0);
  if (instructions > INSTRUCTIONS_MAX) {
    throw new RewriteRuleError(
      `simpler or fewer patterns: these become ${instructions} instructions, at most ${INSTRUCTIONS_MAX} are run for a call`,
    );
  }
  const patternPathMaxChars = STEPS_MAX / Math.max(1, instructions);
  return (path) => {
    const whole = equal.get(path);
    if (whole !== undefined) return bounded(whole);
    if (path.length > patternPathMaxChars) return undefined;
    for (const rule of rules) {
      const rewritten = applied(rule, path);
      if (rewritten !== undefined) return bounded(rewritten);
    }
    return path;
  };
}

/** What stands around the match stays. */
function applied({ pattern, replacement }: Rule, path: string): string | undefined {
  const matcher = pattern.matcher(path);
  if (!matcher.find()) return undefined;
  const parts = replacement.map((part) => (typeof part === "string" ? part : (matcher.group(part) ?? "")));
  return path.slice(0, matcher.start()) + parts.join("") + path.slice(matcher.end());
}

/** A path begins with / (RFC 9113 §8.3.1). */
function bounded(path: string): string | undefined {
  const rooted = path.startsWith("/") ? path : `/${path}`;
  return rooted.length > REWRITTEN_PATH_MAX_CHARS ? undefined : rooted;
}

function compiled({ replacement }: RewriteRule, source: string): Rule {
  // Loaded with the first rule: who has none pays nothing.
  const { RE2JS } = createRequire(import.meta.url)("re2js") as typeof import("re2js");
  let pattern: import("re2js").RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (error) {
    const why = (error as Error).message.replaceAll("\n", " ").slice(0, 200);
    throw new RewriteRuleError(`a regular expression that RE2 takes (without look-around and back-references): ${why}`);
  }
  const parts = replacementParts(replacement);
  const groups = pattern.groupCount();
  const missing = parts.find((part) => typeof part === "number" && part > groups);
  if (missing !== undefined) {
    throw new RewriteRuleError(
      `a replacement with $1 to $${groups}, which is what the match has: $${missing} is not there`,
    );
  }
  return { pattern, replacement: parts };
}

/** `$1`, `$2`, ... as numbers, everything else as it stands; `$0` is the whole match. */
function replacementParts(replacement: string): (string | number)[] {
  const parts = replacement.split(/(\$\d{1,2})/).filter((part) => part !== "");
  return parts.map((part) => (/^\$\d{1,2}$/.test(part) ? Number(part.slice(1)) : part));
}

function wildcardPattern(match: string): string {
  const anchored = match.startsWith("^");
  const parts = (anchored ? match.slice(1) : match)
    .split("*")
    .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return (anchored ? "^" : "") + parts.join("(.*)");
}
