import type { Link } from "../link.ts";

/** Requests of an instance's life (Function Compute, "Lifecycle hooks": paths and methods of custom runtimes). */
const HOOKS = {
  initialize: { method: "POST", path: "/initialize" },
  preFreeze: { method: "GET", path: "/pre-freeze" },
  preStop: { method: "GET", path: "/pre-stop" },
} as const;

export type Hook = keyof typeof HOOKS;

/** `notServed`: the program speaks gRPC there; that is no failure. `words` speak to people. */
export type HookOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "notServed"; readonly words: string }
  | { readonly kind: "failed"; readonly words: string };

/** Asks an instance for a hook and waits for the answer, at most `timeoutMs`. Never rejects. */
export async function askHook(link: Link, hook: Hook, timeoutMs: number): Promise<HookOutcome> {
  const { method, path } = HOOKS[hook];
  const answer = await link.ask({ kind: "http", method, path, controlPath: path, timeoutMs });
  switch (answer.kind) {
    case "answered": {
      const { httpStatus } = answer;
      if (httpStatus >= 200 && httpStatus < 300) return { kind: "done" };
      return { kind: "failed", words: `${method} ${path} was answered with HTTP ${httpStatus}${said(answer.detail)}` };
    }
    case "notServed":
      return {
        kind: "notServed",
        words: `${method} ${path} is switched on, but the function does not serve it${said(answer.detail)}`,
      };
    default:
      return { kind: "failed", words: `${method} ${path} failed${said(answer.detail)}` };
  }
}

function said(detail: string): string {
  return detail === "" ? "" : `: ${detail}`;
}
