import type { HeaderList } from "../h2/h2.ts";
import { type Fault, fault, type PathRewriter } from "../model/model.ts";

/** Changes `:path` of a request head in place, as the route says; gives why it cannot. */
export function rewritePath(headers: HeaderList, rewriter: PathRewriter): Fault | undefined {
  const at = headers.indexOf(":path") + 1;
  const path = headers[at] as string;
  const rewritten = rewriter(path);
  if (rewritten === undefined) {
    return fault(
      "HeadersTooLarge",
      `the path of ${path.length} characters is too long for the rewrite rules of its route`,
    );
  }
  headers[at] = rewritten;
  return undefined;
}
