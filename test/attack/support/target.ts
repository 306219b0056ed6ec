import { readFileSync } from "node:fs";
import { join } from "node:path";
import { folderOf, type Job, type JobReport, runJob, testPrograms } from "../../support/clients.ts";
import { eventually, type Info, Sluice } from "../../support/sluice.ts";
import type { Mark } from "./attacker.ts";
import { HonestClient } from "./honest-client.ts";

/** Beside what attackers hold, the victim's function must find its place: instances of the attacked one are few. */
const ATTACKED_CONCURRENCY = 200;

/** A real Sluice with two functions: one that is attacked, and one of somebody who has nothing to do with it. */
export class Target implements AsyncDisposable {
  readonly sluice: Sluice;
  readonly attacked: Mark;
  readonly victim: Mark;
  readonly #victimInfo: Info;

  static async start(configuration: Readonly<Record<string, unknown>> = {}): Promise<Target> {
    const { go } = await testPrograms();
    const sluice = await Sluice.start({ configuration });
    const deploy = (name: string, instanceConcurrency: number) =>
      sluice.deploy({
        name,
        codeUri: folderOf(go.echo),
        function: { instanceConcurrency, timeout: 120, customRuntimeConfig: { command: ["./echo"] } },
      });
    const attacked = await deploy("attacked", ATTACKED_CONCURRENCY);
    const victim = await deploy("victim", 100);
    const { grpcAddress, caFile } = sluice.endpoint;
    const colon = grpcAddress.lastIndexOf(":");
    const endpoint = {
      host: grpcAddress.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(grpcAddress.slice(colon + 1)),
      caPem: readFileSync(caFile, "utf8"),
    };
    const target = new Target(sluice, attacked, victim, endpoint);
    await target.#warmUp();
    return target;
  }

  private constructor(sluice: Sluice, attacked: Info, victim: Info, endpoint: Omit<Mark, "authority">) {
    this.sluice = sluice;
    this.attacked = { ...endpoint, authority: attacked.host ?? "" };
    this.victim = { ...endpoint, authority: victim.host ?? "" };
    this.#victimInfo = victim;
  }

  /** Has the Go client call the victim's function. */
  callVictim(job: Job): Promise<JobReport> {
    return runJob(this.sluice, this.#victimInfo, job);
  }

  /** The process that calls run in. */
  get pid(): number {
    return this.sluice.endpoint.pid;
  }

  /** A value of `GET /metrics`; 0 where there is none. `series`: name and labels as they are written there. */
  async metric(series: string): Promise<number> {
    const response = await fetch(`${this.sluice.endpoint.apiUrl}/metrics`);
    if (!response.ok) throw new Error(`GET /metrics answered ${response.status}: ${await response.text()}`);
    const line = (await response.text()).split("\n").find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }

  /** Refusals of a token so far. */
  refusals(token: string): Promise<number> {
    return this.metric(`sluice_gateway_refusals_total{token="${token}"}`);
  }

  /** Waits until metrics and Sluice's own log know of a refusal after the first `before`. */
  async untilRefused(token: string, before: number): Promise<void> {
    await eventually(`${token} is counted`, async () => (await this.refusals(token)) > before);
    await eventually(`${token} is in the log`, () => {
      const log = readFileSync(join(this.sluice.dataDir, "sluice.log"), "utf8");
      return log.includes(`"token":"${token}"`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sluice.stop();
  }

  /** What runs for the first time grows the heap once, and starts instances: that is no attack's doing. */
  async #warmUp(): Promise<void> {
    for (const mark of [this.attacked, this.victim]) {
      using client = new HonestClient(mark);
      for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 100 }, () => client.call()));
    }
  }
}
