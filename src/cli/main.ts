/**
 * Entry of the `sluice` command; bin/sluice.js runs it under Node.js 24. `--version` is answered before anything else
 * is loaded.
 */
import { version } from "./version.ts";

const [, , ...args] = process.argv;

if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.write(`${version()}\n`);
} else {
  // `sluice logs | head`: the reader has what it wanted.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const { processContext } = await import("./context.ts");
  const { runCli } = await import("./cli.ts");
  // Timers of src/base do not keep a process alive; this port does, until the command has its result.
  const { port1: alive } = new MessageChannel();
  alive.ref();
  process.exitCode = await runCli(args, processContext());
  alive.close();
}
