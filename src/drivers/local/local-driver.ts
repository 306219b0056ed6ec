/** The driver interface over the processes of this machine; a launcher brings what is particular to the isolation. */
import { tmpdir } from "node:os";
import type { Clock, WakeUp } from "../../base/base.ts";
import { functionKey, type InstanceId, newInstanceId } from "../../model/model.ts";
import type { DriverConfiguration } from "../configuration.ts";
import type {
  Driver,
  DriverCapabilities,
  DriverName,
  InstanceUsage,
  OutputSink,
  ProbeResult,
  StartSpec,
} from "../driver.ts";
import type { HostFeature } from "../host-feature.ts";
import type { Footprint } from "./footprint.ts";
import type { Launcher } from "./launcher.ts";
import { LocalInstance } from "./local-instance.ts";
import { OutputBatch } from "./output-batch.ts";
import { OutputBudget } from "./output-budget.ts";
import { UidTable } from "./uid-table.ts";

/** How often the kernel is asked whether it killed something for want of memory. */
const MEMORY_LOOK_MS = 100;
/** Of these looks every tenth is also one at usage. */
const LOOKS_PER_USAGE = 10;
const PROBE_LIMIT_MS = 10_000;
/** Output of all functions together that is passed on, on average. */
const TOTAL_OUTPUT_BYTES_PER_SECOND = 4 * 1024 * 1024;

export interface LocalDriverOptions {
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly output: OutputSink;
  readonly configuration: DriverConfiguration;
  readonly onFootprint?: (instance: LocalInstance, footprint: Footprint) => void;
  /** About every second, of all instances whose usage has changed. */
  readonly onUsage?: (usages: readonly UsageOfInstance[]) => void;
}

export interface UsageOfInstance {
  readonly id: InstanceId;
  readonly usage: InstanceUsage;
}

export class LocalDriver implements Driver {
  readonly name: DriverName;
  readonly capabilities: DriverCapabilities;
  readonly #options: LocalDriverOptions;
  readonly #uids: UidTable | undefined;
  readonly #batch: OutputBatch;
  readonly #outputBudget: OutputBudget;
  readonly #instances = new Set<LocalInstance>();
  #memoryTimer: WakeUp | undefined;
  #memoryLooks = 0;
  #closed: Promise<void> | undefined;

  constructor(options: LocalDriverOptions) {
    const { launcher, configuration, clock } = options;
    this.#options = options;
    this.name = launcher.name;
    this.capabilities = {
      ownNetwork: launcher.ownNetwork,
      memoryLimit: launcher.limitsMemory,
      processLimit: launcher.limitsProcesses,
      cpuLimit: launcher.capsCpu,
      freeze: launcher.freezes,
      usage: launcher.measures,
      images: launcher.runsImages,
    };
    this.#uids = launcher.givesUids ? new UidTable(configuration.uidFirst, configuration.uidCount) : undefined;
    this.#batch = new OutputBatch(clock, options.output);
    this.#outputBudget = new OutputBudget(clock, TOTAL_OUTPUT_BYTES_PER_SECOND);
  }

  async probe(): Promise<ProbeResult> {
    const { obstacle } = this.#options.launcher;
    if (obstacle !== undefined) return { works: false, reason: obstacle };
    const trial = this.start({
      instanceId: newInstanceId(),
      function: functionKey("sluice", "probe"),
      codeDir: tmpdir(),
      command: ["sh", "-c", "exit 0"],
      hasCommand: true,
      environment: {},
      caPort: 9000,
      memoryMb: 64,
      diskMb: 512,
      internetAccess: false,
      startLimitMs: PROBE_LIMIT_MS,
    });
    const startFailure = await trial.listening.then(
      () => "",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const report = await trial.exited;
    if (report.code === 0) return { works: true };
    const said = report.stderrTail.trim().split("\n").at(-1);
    return { works: false, reason: `a trial start failed: ${said === undefined || said === "" ? startFailure : said}` };
  }

  start(spec: StartSpec): LocalInstance {
    if (this.#closed !== undefined) throw new Error(`The ${this.name} driver is closed`);
    const { launcher, clock, configuration, onFootprint } = this.#options;
    const instance = new LocalInstance(spec, {
      launcher,
      clock,
      configuration,
      uids: this.#uids,
      outputBudget: this.#outputBudget,
      sink: (line) => this.#batch.add(line),
      onFootprint: onFootprint ?? (() => {}),
    });
    this.#instances.add(instance);
    void instance.exited.then(() => {
      this.#instances.delete(instance);
      this.#batch.flush();
    });
    this.#watchMemory();
    return instance;
  }

  get features(): readonly HostFeature[] {
    return this.#options.launcher.features;
  }

  get unmet(): string | undefined {
    return this.#options.launcher.unmet;
  }

  expectImages(): void {
    this.#options.launcher.expectImages?.();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const instance of this.#instances) instance.destroy();
    await Promise.all([...this.#instances].map((instance) => instance.exited));
    this.#memoryTimer?.cancel();
    this.#batch.flush();
    await this.#options.launcher.close();
  }

  #watchMemory(): void {
    // Images run in containers, which have limits also where packages have none.
    if (!this.capabilities.memoryLimit && !this.capabilities.images) return;
    this.#memoryTimer ??= this.#options.clock.wakeAfter(MEMORY_LOOK_MS, () => {
      this.#memoryTimer = undefined;
      for (const instance of this.#instances) instance.checkMemory();
      if (++this.#memoryLooks % LOOKS_PER_USAGE === 0) this.#lookAtUsage();
      if (this.#instances.size > 0) this.#watchMemory();
    });
  }

  #lookAtUsage(): void {
    const usages: UsageOfInstance[] = [];
    for (const instance of this.#instances) {
      if (!instance.lookAtUsage() || instance.usage === undefined) continue;
      usages.push({ id: instance.id, usage: instance.usage });
    }
    if (usages.length > 0) this.#options.onUsage?.(usages);
  }
}
