import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where system programs are, whatever PATH Sluice was started with (a service manager's is often shorter). */
const TOOL_FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** PATH for system programs that Sluice itself runs. */
export const TOOL_PATH = TOOL_FOLDERS.join(":");

/** Absolute path of a system program; undefined when it is not installed. */
export function findTool(name: string): string | undefined {
  return TOOL_FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
