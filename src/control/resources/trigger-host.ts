import { randomInt } from "node:crypto";

/** Cut of each name, so that the label has at most 63 characters (RFC 1035 §2.3.4) and room for what makes it unique. */
const NAME_MAX_CHARS = 25;
const RANDOM_CHARS = 10;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * A new host name for an http trigger: `<function>-<service>-<10 random letters>.<region>.<domain>`. Hyphens that a
 * label may not begin with, or that would make it look like an encoded one (`xn--`), are left out.
 */
export function newTriggerHost(serviceName: string, functionName: string, region: string, domain: string): string {
  const random = Array.from({ length: RANDOM_CHARS }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  const parts = [labelPart(functionName), labelPart(serviceName), random].filter((part) => part !== "");
  return `${parts.join("-")}.${region}.${domain}`;
}

/** A name as a part of a DNS label. */
export function labelPart(name: string): string {
  const hyphenated = name.toLowerCase().replaceAll("_", "-").replace(/-+/g, "-").replace(/^-/, "");
  return hyphenated.slice(0, NAME_MAX_CHARS).replace(/-$/, "");
}
