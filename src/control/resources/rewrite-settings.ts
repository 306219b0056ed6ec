import { z } from "zod";
import { pathRewriter, type RewriteConfig, RewriteRuleError } from "../../model/model.ts";
import { settings, text } from "./validation.ts";

const RULES_MAX = 20;
const RULE_MAX_CHARS = 1024;

/** What may stand in a path: no spaces, no control characters, no fragment. */
const replacement = z.custom<string>(
  (value) => typeof value === "string" && value.length <= RULE_MAX_CHARS && /^[!"$-~]*$/.test(value),
  `a path of at most ${RULE_MAX_CHARS} printable ASCII characters without # and spaces`,
);
const match = z
  .custom<string>((value) => typeof value === "string" && value !== "", "a text that is not empty")
  .pipe(text(RULE_MAX_CHARS));

const KINDS = ["equalRules", "wildcardRules", "regexRules"] as const;

const rules = z
  .array(z.object({ match, replacement }, "an object with match and replacement"), "a list")
  .max(RULES_MAX, `at most ${RULES_MAX} rules`);

/** `rewriteConfig` of a route; undefined where it holds no rule. Each rule is compiled, so that the gateway can use it. */
export const rewriteConfig = settings({ equalRules: rules, wildcardRules: rules, regexRules: rules }).transform(
  (given, context): RewriteConfig | undefined => {
    const { equalRules = [], wildcardRules = [], regexRules = [] } = given;
    const whole: RewriteConfig = { equalRules, wildcardRules, regexRules };
    const none: RewriteConfig = { equalRules: [], wildcardRules: [], regexRules: [] };
    // Each by itself first, so that the message names it.
    const parts = KINDS.flatMap((kind) => whole[kind].map((rule, index) => ({ kind, rule, path: [kind, index] })));
    for (const { kind, rule, path } of parts) {
      const message = faultOf({ ...none, [kind]: [rule] });
      if (message === undefined) continue;
      context.addIssue({ code: "custom", path, message });
      return z.NEVER;
    }
    const message = faultOf(whole);
    if (message !== undefined) {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
    return parts.length === 0 ? undefined : whole;
  },
);

function faultOf(rewrite: RewriteConfig): string | undefined {
  try {
    pathRewriter(rewrite);
    return undefined;
  } catch (error) {
    if (error instanceof RewriteRuleError) return error.message;
    throw error;
  }
}
