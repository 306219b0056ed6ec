/**
 * What holds for every driver, whatever the isolation: one suite, run for each driver in this process and through the
 * spawner. Real programs in real time, since that is what a driver is about.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Driver, OutputSink, StartSpec } from "../driver.ts";
import { endContract } from "./end-contract.ts";
import { freezeContract } from "./freeze-contract.ts";
import { remains } from "./host-inventory.ts";
import { isolationContract } from "./isolation-contract.ts";
import { limitsContract } from "./limits-contract.ts";
import { outputContract } from "./output-contract.ts";
import { startContract } from "./start-contract.ts";
import { TestHome } from "./test-function.ts";
import { usageContract } from "./usage-contract.ts";

/** The driver under test. */
export interface ContractSubject {
  readonly title: string;
  /** Why it cannot run here, or false. */
  readonly skip: string | false;
  /** Functions run as a uid of their own. */
  readonly hasOwnUids: boolean;
  /** The package must lie where every user can enter. */
  readonly needsOpenHome?: boolean;
  /** What every start of the suite has: an image in place of a package. Asked when the suite begins. */
  readonly usual?: () => Partial<StartSpec>;
  open(output: OutputSink): Promise<Driver>;
}

/** What the parts of the suite share; `driver` and `home` are there while tests run. */
export interface ContractContext {
  readonly subject: ContractSubject;
  readonly driver: Driver;
  readonly home: TestHome;
  /** Receives output from now on, until the next call. */
  setOutput(sink: OutputSink): void;
}

const PARTS = [
  startContract,
  endContract,
  freezeContract,
  usageContract,
  limitsContract,
  outputContract,
  isolationContract,
];

export function driverContract(subject: ContractSubject, parts: readonly (typeof PARTS)[number][] = PARTS): void {
  describe(subject.title, { skip: subject.skip }, () => {
    let driver: Driver | undefined;
    let home: TestHome | undefined;
    let output: OutputSink = () => {};
    const context: ContractContext = {
      subject,
      get driver() {
        return driver!;
      },
      get home() {
        return home!;
      },
      setOutput(sink) {
        output = sink;
      },
    };
    before(async () => {
      home = await TestHome.create(subject.needsOpenHome, subject.usual?.());
      driver = await subject.open((lines) => output(lines));
    });
    after(async () => {
      await driver?.close();
      await home?.remove();
    });
    test("probe: a trial start works", async () => {
      assert.deepEqual(await context.driver.probe(), { works: true });
    });
    for (const part of parts) part(context);
    test("close: leaves no control group and no mount, and is idempotent", async () => {
      await context.driver.close();
      await context.driver.close();
      assert.deepEqual(remains(process.pid), []);
      assert.throws(() => context.driver.start(context.home.spec()), /closed/);
    });
  });
}
