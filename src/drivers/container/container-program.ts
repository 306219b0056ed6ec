/** A container's program as its launcher hands it over: what it prints, and its end. */
import { once } from "node:events";
import { PassThrough, type Readable } from "node:stream";
import type Docker from "dockerode";
import type { Ending, LaunchedProgram } from "../local/launched-program.ts";
import { type Engine, engineWords } from "./engine.ts";

/** Attaches to a container that has been created and not yet started, so that nothing of its output is missed. */
export async function attachProgram({ docker }: Engine, container: Docker.Container): Promise<LaunchedProgram> {
  const both = (await container.attach({ stream: true, stdout: true, stderr: true })) as unknown as Readable;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(both, stdout, stderr);
  // The client's demultiplexer writes without asking: a function that prints without end would fill our memory.
  both.on("data", () => {
    const full = [stdout, stderr].filter((stream) => stream.writableNeedDrain);
    if (full.length === 0) return;
    both.pause();
    void Promise.all(full.map((stream) => once(stream, "drain"))).then(
      () => both.resume(),
      () => {},
    );
  });
  const end = () => {
    stdout.end();
    stderr.end();
  };
  both.once("end", end).once("close", end).on("error", end);
  stdout.once("close", () => both.destroy());
  const closed = Promise.all([once(stdout, "close"), once(stderr, "close")]).then(
    () => {},
    () => {},
  );
  return { stdout, stderr, closed, ended: waitForEnd(container) };
}

/** Waits over a connection of its own, and over another one where that breaks and the container runs on. */
async function waitForEnd(container: Docker.Container): Promise<Ending> {
  let ended = container.wait({ condition: "next-exit" }) as Promise<WaitAnswer>;
  for (;;) {
    try {
      const { StatusCode, Error: fault } = await ended;
      const failure = fault?.Message;
      return { code: StatusCode, signal: null, ...(failure ? { failure } : {}) };
    } catch (error) {
      if (!(await isThere(container))) {
        const failure = `the container engine cannot tell how it ended: ${engineWords(error)}`;
        return { code: null, signal: "SIGKILL", failure };
      }
      ended = container.wait({ condition: "not-running" }) as Promise<WaitAnswer>;
    }
  }
}

/** Docker Engine API, "Wait for a container". */
interface WaitAnswer {
  readonly StatusCode: number;
  readonly Error?: { readonly Message?: string } | null;
}

/** False also where the engine has ended: its containers have then, or are ended by us. */
async function isThere(container: Docker.Container): Promise<boolean> {
  return container.inspect().then(
    ({ State }) => State.Running,
    () => false,
  );
}
