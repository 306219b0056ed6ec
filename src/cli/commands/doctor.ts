import { resolve } from "node:path";
import type { DoctorReport } from "../../server/server.ts";
import { command } from "../command.ts";
import { printResult } from "../context.ts";
import { dataDirectory } from "../data-directory.ts";
import { dataOption, jsonOption } from "../options.ts";

export const doctorCommand = command<{ data?: string; json?: boolean; config?: string; clean?: boolean }>({
  name: "doctor",
  summary: "say what this host supports, what isolation a start takes, and how to get more",
  options: [
    { flags: "--clean", description: "remove what runs that were killed have left behind" },
    { flags: "--config <file>", description: "configuration (default: config.yaml in the data directory)" },
    dataOption,
    jsonOption,
  ],
  details: "Every isolation is tried by a real start. Exit code 1: none of what is configured works.",
  async run(context, _positional, flags) {
    const { examineHost } = await import("../../server/server.ts");
    const report = await examineHost({
      dataDir: dataDirectory(context, flags.data),
      clean: flags.clean ?? false,
      ...(flags.config !== undefined && { configFile: resolve(context.cwd, flags.config) }),
    });
    printResult(context, flags.json, report, () => describe(report).join("\n"));
    return report.chosen === null ? 1 : undefined;
  },
});

function describe(report: DoctorReport): string[] {
  const { host, isolation, chosen, isolations, leftovers } = report;
  const files = host.openFilesMax === null ? "any number of" : String(host.openFilesMax);
  return [
    `${host.system} on ${host.cpu}, ${host.cpus} CPUs, ${host.memoryMb} MB, ${host.isRoot ? "root" : "not root"}, ` +
      `${files} open files; Node.js ${host.nodeVersion}`,
    chosen === null
      ? `isolation ${isolation}: nothing works, Sluice cannot start functions`
      : `isolation ${isolation}: a start takes ${chosen}${isolation === "auto" ? ", the first of these that works" : ""}`,
    ...isolations.flatMap(({ name, works, reason, features }) => [
      "",
      works ? `${name}: works` : `${name}: does not work: ${reason ?? "unknown reason"}`,
      ...features.flatMap((feature) => [
        `  ${feature.works ? "yes" : "no "}  ${feature.name}: ${feature.detail}`,
        ...(feature.remedy === undefined ? [] : [`       to get it: ${feature.remedy}`]),
      ]),
    ]),
    "",
    ...(leftovers.length === 0 ? ["nothing is left of runs that were killed"] : leftovers.map(describeLeftover)),
  ];
}

function describeLeftover({ what, removed, reason }: DoctorReport["leftovers"][number]): string {
  if (removed) return `removed: ${what}`;
  return `left of a run that was killed: ${what}${reason === undefined ? " (remove it with: sluice doctor --clean)" : `: ${reason}`}`;
}
