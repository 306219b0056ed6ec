import { folderOf, testPrograms } from "../../support/clients.ts";

/** What goes wrong with a function, or with what surrounds it. */
export type RoleName =
  | "steady"
  | "single"
  | "aged"
  | "moved"
  | "sleepy"
  | "killed"
  | "stopped"
  | "exiting"
  | "growing"
  | "evil"
  | "looping"
  | "broken"
  | "removed";

/** One function of the fleet. */
export interface Role {
  readonly name: RoleName;
  readonly program: "echo" | "evil";
  readonly instanceConcurrency: number;
  /** Seconds. */
  readonly timeout: number;
  readonly memorySize: number;
  readonly callsPerSecond: number;
  /** Calls come in bursts, with pauses in which the function scales to zero. */
  readonly inBursts?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

function role(name: RoleName, callsPerSecond: number, more: Partial<Role> = {}): Role {
  return { name, program: "echo", instanceConcurrency: 10, timeout: 10, memorySize: 128, callsPerSecond, ...more };
}

/** About 500 calls a second. Of the first five no call may fail, whatever happens to the others. */
export const FLEET: readonly Role[] = [
  role("steady", 80, { instanceConcurrency: 20 }),
  role("single", 40, { instanceConcurrency: 1 }),
  role("aged", 60, { instanceConcurrency: 20, environment: { MAX_CONNECTION_AGE_MS: "700" } }),
  role("moved", 60),
  role("sleepy", 10, { instanceConcurrency: 4, inBursts: true, environment: { START_DELAY_MS: "800" } }),
  role("killed", 60),
  role("stopped", 50, { timeout: 2 }),
  role("exiting", 40),
  role("growing", 30, { instanceConcurrency: 5 }),
  role("evil", 40, { program: "evil", timeout: 2, environment: { EVIL_AFTER_MS: "100", EVIL_BYTES: "70000" } }),
  role("looping", 20, { program: "evil", environment: { EVIL: "exits-after", EVIL_AFTER_MS: "1500" } }),
  role("broken", 5, { program: "evil", environment: { EVIL: "exits" } }),
  role("removed", 10),
];

/** Host names under which the fleet is called. */
export type Hosts = Readonly<Record<RoleName, string>>;

/** Folder of a role's program. */
export async function codeOf({ program }: Role): Promise<string> {
  const { go } = await testPrograms();
  return folderOf(go[program]);
}

export function roleOf(name: RoleName): Role {
  const found = FLEET.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no role ${name}`);
  return found;
}
