import type { Launched, Launcher, LaunchPlan } from "../local/launcher.ts";

/**
 * Code packages by one launcher, container images by another, which is opened when the first image is expected or
 * launched: the client of a container engine makes a process larger, and forks slower, for everybody else.
 */
export function withImages(launcher: Launcher, openContainers: () => Promise<Launcher>): Launcher {
  let containers: Promise<Launcher> | undefined;

  function open(): Promise<Launcher> {
    containers ??= openContainers();
    return containers;
  }

  async function launchImage(plan: LaunchPlan): Promise<Launched> {
    return (await open()).launch(plan);
  }

  return {
    ...launcher,
    runsImages: true,
    view: (spec) => (spec.image === undefined ? launcher.view(spec) : undefined),
    launch: (plan) => (plan.spec.image === undefined ? launcher.launch(plan) : launchImage(plan)),
    expectImages: () => void open(),
    async close() {
      // One after the other: they share a tree of control groups, and the second takes down what is left of it.
      await launcher.close();
      await (await containers)?.close();
    },
  };
}
