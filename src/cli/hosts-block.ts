/** The block of lines that Sluice keeps in a hosts file. What stands outside it is never touched. */

const BEGIN = "# begin of the lines of Sluice ('sluice hosts --remove' removes them)";
const END = "# end of the lines of Sluice";

/** One line for each host, sorted. */
export function hostsLines(address: string, hosts: readonly string[]): string[] {
  return [...new Set(hosts)].sort().map((host) => `${address} ${host}`);
}

/** `content` with exactly these lines in Sluice's block; without the block where there are none. */
export function withHostsBlock(content: string, lines: readonly string[]): string {
  const kept = withoutBlock(content);
  if (lines.length === 0) return kept;
  const separator = kept === "" || kept.endsWith("\n") ? "" : "\n";
  return `${kept}${separator}${[BEGIN, ...lines, END].join("\n")}\n`;
}

function withoutBlock(content: string): string {
  const lines = content.split("\n");
  const begin = lines.indexOf(BEGIN);
  if (begin === -1) return content;
  const end = lines.indexOf(END, begin);
  // A block that lost its end: only the line that we know to be ours.
  lines.splice(begin, end === -1 ? 1 : end - begin + 1);
  return lines.join("\n");
}
