import assert from "node:assert/strict";
import { type CallReport, callOnce, type Job } from "./clients.ts";
import { descendantsOf } from "./processes.ts";
import { eventually, type Info, Sluice, type SluiceOptions, type TestFunction } from "./sluice.ts";

/** How the message begins of every fault that ends a call which the function has. */
export const NO_TRAILERS = /^server closed the stream without sending trailers: /;

/** Replies without end, until something ends them. */
export const ENDLESS: Job = { kind: "serverStream", metadata: { "x-repeat": "99999", "x-interval-ms": "20" } };

/** What a function of the program `echo` or `evil` is started with: its name tells its processes from the others'. */
export function named(program: string, name: string): { readonly customRuntimeConfig: { readonly command: string[] } } {
  return { customRuntimeConfig: { command: [`./${program}`, name] } };
}

/** A Sluice with the functions of a file of tests, all deployed at once. */
export class FaultBench {
  readonly sluice: Sluice;
  readonly #infos: ReadonlyMap<string, Info>;

  private constructor(sluice: Sluice, infos: ReadonlyMap<string, Info>) {
    this.sluice = sluice;
    this.#infos = infos;
  }

  static async start(options: SluiceOptions, functions: readonly TestFunction[]): Promise<FaultBench> {
    const sluice = await Sluice.start(options);
    return new FaultBench(sluice, await sluice.deployAll(functions));
  }

  infoOf(name: string): Info {
    const info = this.#infos.get(name);
    assert.ok(info, `${name} is deployed`);
    return info;
  }

  /** One call of a function, from its start to its end. */
  once(name: string, job: Job = {}): Promise<CallReport & { readonly errorType: string }> {
    return callOnce(this.sluice, this.infoOf(name), job);
  }

  /** Makes a call of `echo`, and resolves when the function has it. */
  async open(name: string, job: Job = ENDLESS): Promise<{ readonly end: ReturnType<FaultBench["once"]> }> {
    const id = crypto.randomUUID();
    const end = this.once(name, { ...job, metadata: { ...job.metadata, "x-call-id": id } });
    await eventually(`a call at ${name}`, async () =>
      (await this.sluice.logs(`test/${name}`)).some(({ text }) => text.startsWith(`start ${id} `)),
    );
    return { end };
  }

  /** The process of the only instance of a function of `echo`. */
  processOf(name: string): Promise<number> {
    return eventually(`one process of ${name}`, () => {
      const found = descendantsOf(this.sluice.endpoint.pid).filter(({ commandLine }) =>
        commandLine.startsWith(`./echo ${name}`),
      );
      return found.length === 1 ? found[0]?.pid : undefined;
    });
  }
}
