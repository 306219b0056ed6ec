/** Why a container did not come to life, in the words of Function Compute's errors. */
import type { StartSpec } from "../driver.ts";
import { StartError } from "../driver.ts";
import { checkStart, type ProgramView, type StartFault } from "../local/start-check.ts";
import { engineStatus, engineWords } from "./engine.ts";

/** Says that the container's init (tini of Docker, catatonit of Podman) did not find the program, or may not run it. */
const INIT_FAILURE = /^\[FATAL tini|catatonit.*(?:exec|spawn)/m;
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_PERMITTED = 126;

/** What is seen of a package's surroundings before the start: the package. The rest is in the image. */
export function packageView(codeDir: string, isWhole: boolean): ProgramView {
  return {
    path: [],
    isWhole,
    system: "linux",
    toHost(path) {
      if (path === "/code") return codeDir;
      return path.startsWith("/code/") ? `${codeDir}/${path.slice("/code/".length)}` : undefined;
    },
  };
}

/** From an error of the engine's while it creates or starts a container. */
export function engineFault(error: unknown, spec: StartSpec): StartError {
  const words = engineWords(error);
  if (engineStatus(error) === 404 && /no such image/i.test(words)) {
    const what = spec.image === undefined ? "the base image" : `the image ${spec.image.reference} (${spec.image.id})`;
    return new StartError("FunctionNotStarted", `${what} is no longer on this machine: deploy the function again`, "");
  }
  if (/executable file not found|no such file or directory/i.test(words) && /exec|entrypoint/i.test(words)) {
    return new StartError("CAFileNotFound", `its program is not in the image: ${words}`, "");
  }
  if (/permission denied/i.test(words) && /exec|entrypoint/i.test(words)) {
    return new StartError("CAFilePermission", `its program may not be run: ${words}`, "");
  }
  return new StartError("FunctionNotStarted", `the container engine says: ${words}`, "");
}

/** From the exit of a container whose program could not be run; undefined for any other exit. */
export function exitFault(spec: StartSpec, stderrTail: string, code: number | undefined): StartFault | undefined {
  if (!INIT_FAILURE.test(stderrTail)) return undefined;
  // Of a package all is seen; what is missing then is missing in the image.
  const seen = spec.image === undefined ? checkStart(spec, packageView(spec.codeDir, true)) : undefined;
  const said = stderrTail.trim().split("\n").at(-1) ?? "";
  if (code === EXIT_NOT_PERMITTED)
    return { errorType: "CAFilePermission", message: `its program may not be run: ${said}` };
  if (code !== EXIT_NOT_FOUND) return { errorType: "CAExited", message: `its program cannot be run: ${said}` };
  return seen ?? { errorType: "CAFileNotFound", message: `its program is not in the image: ${said}` };
}
