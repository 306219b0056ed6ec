import { after, before, describe, test } from "node:test";
import { goMissing } from "../../support/clients.ts";
import type { Attack } from "./attack.ts";
import { playAttack } from "./play.ts";
import { Target } from "./target.ts";

export interface SuiteOptions {
  /** Of Sluice, where its defaults would make the tests long. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** All at once: for attacks that wait. Each is then measured with the memory of all. */
  readonly together?: boolean;
}

/** A test for each attack, all against one Sluice. */
export function attackSuite(name: string, attacks: readonly Attack[], options: SuiteOptions = {}): void {
  describe(name, { skip: goMissing, concurrency: options.together ? attacks.length : 1 }, () => {
    let target: Target;
    before(async () => {
      target = await Target.start(options.configuration);
    });
    after(() => target[Symbol.asyncDispose]());

    for (const attack of attacks) {
      test(`${attack.name} (${attack.source})`, async (context) => {
        const { memoryMib } = await playAttack(target, attack);
        context.diagnostic(`the gateway grew by ${memoryMib.toFixed(1)} MiB`);
      });
    }
  });
}
