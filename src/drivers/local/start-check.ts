/**
 * Looks at the start command before anything is started: what is plainly wrong is said at once and in words, where the
 * kernel would say "No such file" for a missing program, a missing interpreter and a missing loader alike.
 */
import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ErrorType } from "../../model/model.ts";
import type { StartSpec } from "../driver.ts";
import { type ProgramFile, readProgramFile } from "../host/program-file.ts";

/** The file system as the program will see it. */
export interface ProgramView {
  /** Where a path that the program sees is on this host; undefined when it sees nothing there. */
  toHost(path: string): string | undefined;
  /** Folders of its PATH, as it sees them. */
  readonly path: readonly string[];
  /** What `toHost` leads to nowhere is not there; false: it may be. */
  readonly isWhole: boolean;
  /** The system that its programs are made for. */
  readonly system: "linux" | "darwin";
}

export interface StartFault {
  readonly errorType: ErrorType;
  /** The cause alone. */
  readonly message: string;
}

/** e_machine of elf.h by Node's name of the CPU. 32-bit programs make system calls that the sandbox does not let through. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };
const MACHINE_NAMES: Readonly<Record<number, string>> = {
  3: "x86 (32-bit)",
  40: "arm",
  62: "x86-64",
  183: "arm64",
  243: "RISC-V",
};

/** What is wrong with the command of `spec`; undefined when nothing is to be seen. */
export function checkStart(spec: StartSpec, view: ProgramView): StartFault | undefined {
  const program = spec.command[0];
  if (program === undefined || program === "") return fault("CAFileNotFound", "the start command is empty");
  const file = program.includes("/") ? locate(program, spec.codeDir, view) : search(program, view);
  if (file === undefined && !view.isWhole) return undefined;
  const kind = file === undefined ? "missing" : fileKind(file);
  if (file === undefined || kind === "missing") return fault("CAFileNotFound", missing(spec, program));
  if (kind === "folder") return fault("CAFilePermission", `${program} is a folder, not a program`);
  if (kind === "link") return undefined;
  if (kind === "closed") {
    return fault("CAFilePermission", `${program} is not executable: set its execute bit (chmod +x) before packing it`);
  }
  return formatFault(program, file, view);
}

function locate(path: string, codeDir: string, view: ProgramView): string | undefined {
  return path.startsWith("/") ? view.toHost(path) : join(codeDir, path);
}

function search(name: string, view: ProgramView): string | undefined {
  for (const folder of view.path) {
    const file = view.toHost(join(folder, name));
    if (file !== undefined && fileKind(file) === "program") return file;
  }
  return undefined;
}

/** `link`: a symbolic link that leads nowhere on the host but may lead somewhere in the program's view. */
function fileKind(file: string): "missing" | "folder" | "closed" | "link" | "program" {
  try {
    const status = statSync(file);
    if (status.isDirectory()) return "folder";
    return (status.mode & 0o111) === 0 ? "closed" : "program";
  } catch {
    return isLink(file) ? "link" : "missing";
  }
}

function isLink(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink();
  } catch {
    // Not there, or below a folder that we may not enter, where PATH may well point.
    return false;
  }
}

/** A program need not be readable to be run: then its kind stays unknown to us, and nothing is said. */
function formatFault(program: string, file: string, view: ProgramView): StartFault | undefined {
  let kind: ProgramFile;
  try {
    kind = readProgramFile(file);
  } catch {
    return undefined;
  }
  return checkFormat(program, kind, view);
}

function missing(spec: StartSpec, program: string): string {
  if (!spec.hasCommand) {
    return `the code package of ${spec.function} has no file bootstrap: put the program there under that name, or set a start command`;
  }
  if (program.includes("/")) return `the code package of ${spec.function} has no file ${program}, its start command`;
  return `the start command ${program} of ${spec.function} is not installed: for a file of the package write ./${program}`;
}

function checkFormat(program: string, file: ProgramFile, view: ProgramView): StartFault | undefined {
  const isMac = view.system === "darwin";
  switch (file.kind) {
    case "elf":
      if (isMac) return otherSystem(program, "Linux");
      if (file.machine !== (MACHINES[process.arch] ?? file.machine)) {
        const made = MACHINE_NAMES[file.machine] ?? `machine ${file.machine} of the ELF header`;
        return fault("CAExited", `${program} is made for another CPU: ${made}, but this machine is ${process.arch}`);
      }
      if (file.interpreter !== undefined && isAbsent(file.interpreter, view)) {
        return fault(
          "CAExited",
          `${program} needs the loader ${file.interpreter}, which is not here: link it statically or build it on a system like this one`,
        );
      }
      return undefined;
    case "macho":
      return isMac ? undefined : otherSystem(program, "macOS");
    case "pe":
      return otherSystem(program, "Windows");
    case "script":
      if (file.interpreter.endsWith("\r")) {
        return fault(
          "CAExited",
          `the first line of ${program} ends in a Windows line end: save it with Unix line ends`,
        );
      }
      if (isAbsent(file.interpreter, view)) {
        return fault("CAExited", `the #! line of ${program} names ${file.interpreter}, which is not here`);
      }
      return undefined;
    case "unknown":
      return fault("CAExited", `${program} is neither a program nor a script whose first line begins with #!`);
    default:
      throw new Error(`Unknown program file ${JSON.stringify(file satisfies never)}`);
  }
}

function isAbsent(path: string, view: ProgramView): boolean {
  const file = view.toHost(path);
  return file === undefined ? view.isWhole : fileKind(file) === "missing";
}

function otherSystem(program: string, system: string): StartFault {
  return fault("CAExited", `${program} is made for another system: ${system}`);
}

function fault(errorType: ErrorType, message: string): StartFault {
  return { errorType, message };
}
