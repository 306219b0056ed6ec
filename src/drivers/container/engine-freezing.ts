import type Docker from "dockerode";
import { type Clock, sleep } from "../../base/base.ts";
import type { FreezeControl } from "../cgroup/cgroup.ts";
import { engineStatus, engineWords } from "./engine.ts";

const RETRY_MS = 20;
const TRIES_MAX = 25;

/**
 * The switch of a container whose control group is not ours: the engine's pause and unpause, which return when it is
 * done. Docker hears of its own pauses a moment later, and until then may take a container for paused that runs again, or
 * the other way round: what it refuses is tried again.
 */
export function engineControl(container: Docker.Container, clock: Clock): FreezeControl {
  let isFrozen = false;
  return {
    async set(frozen) {
      if (frozen === isFrozen) return;
      for (let tries = 1; ; tries++) {
        try {
          await (frozen ? container.pause() : container.unpause());
          isFrozen = frozen;
          return;
        } catch (error) {
          if (engineStatus(error) === 404) throw new Error("it is gone");
          if (tries === TRIES_MAX) throw new Error(engineWords(error));
          await sleep(clock, RETRY_MS);
        }
      }
    },
    isFrozen: () => isFrozen,
  };
}
