/**
 * A long line, in a process of its own: joins connections to a port, and hands every byte on a fixed time after it came,
 * in both directions, as fast as it comes. Prints its port.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { workOf } from "./load-process.ts";

const work = workOf<{ readonly port: number; readonly oneWayMs: number }>();

/** Bytes on the line in one direction over which it takes no more: far above any window. */
const ON_THE_LINE_MAX_BYTES = 64 * 1024 * 1024;

function lay(from: Socket, to: Socket): void {
  const line: { readonly chunk: Buffer | undefined; readonly dueAt: number }[] = [];
  let first = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const arrive = (): void => {
    timer = undefined;
    const nowMs = performance.now();
    for (let next = line[first]; next !== undefined && next.dueAt <= nowMs; next = line[++first]) {
      if (next.chunk === undefined) to.end();
      else {
        bytes -= next.chunk.length;
        to.write(next.chunk);
      }
    }
    line.splice(0, first);
    first = 0;
    if (from.isPaused() && bytes < ON_THE_LINE_MAX_BYTES / 2) from.resume();
    if (line[0] !== undefined) timer = setTimeout(arrive, Math.max(1, line[0].dueAt - nowMs));
  };
  const depart = (chunk: Buffer | undefined): void => {
    line.push({ chunk, dueAt: performance.now() + work.oneWayMs });
    bytes += chunk?.length ?? 0;
    if (bytes > ON_THE_LINE_MAX_BYTES) from.pause();
    if (timer === undefined) timer = setTimeout(arrive, work.oneWayMs);
  };
  from.on("data", depart);
  from.on("end", () => depart(undefined));
  from.on("error", () => to.destroy());
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
  const far = connect({ port: work.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  lay(near, far);
  lay(far, near);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
