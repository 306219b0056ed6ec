/** Text for /bin/sh that cannot be read as anything but itself. */

/** One word: everything between single quotes is literal (POSIX shell, 2.2.2). */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of literal words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}
