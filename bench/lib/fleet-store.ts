/** Many functions in a data directory, put there past the API: each as the one that is there, under another name. */
import { join } from "node:path";
import { type Change, type DocumentKind, openSqliteStore, type StoredDocument } from "../../src/store/store.ts";

/** Functions of one service. */
const PER_SERVICE = 100;
const CHANGES_AT_ONCE = 10_000;

/** The name of service `index / 100`, and of the function in it. */
export function fleetName(index: number): { readonly serviceName: string; readonly functionName: string } {
  return { serviceName: `fleet-${Math.floor(index / PER_SERVICE)}`, functionName: `function-${index}` };
}

/** Host of the trigger of function `index`. */
export function fleetHost(index: number): string {
  return `function-${index}-fleet.local.fcapp.localhost`;
}

/**
 * Adds `count` functions with a trigger each to the stopped Sluice of `dataDir`, as copies of its one function `template`
 * (`service/function`).
 */
export async function addFleet(dataDir: string, template: string, count: number): Promise<void> {
  const store = await openSqliteStore({ file: join(dataDir, "sluice.db") });
  try {
    const all = (await store.changesSince(0)).filter((each) => !("deleted" in each)) as StoredDocument[];
    const [serviceName = ""] = template.split("/");
    const find = (kind: DocumentKind, key: string) => {
      const found = all.find((each) => each.kind === kind && each.key.startsWith(key));
      if (found === undefined) throw new Error(`There is no ${kind} ${key}`);
      return found;
    };
    const [service, own, trigger] = [
      find("service", serviceName),
      find("function", template),
      find("trigger", template),
    ];
    let changes: Change[] = [];
    const put = (of: StoredDocument, key: string, names: object) => {
      const { accountId, kind, value } = of;
      changes.push({ type: "put", accountId, kind, key, value: { ...(value as object), ...names } });
    };
    for (let index = 0; index < count; index += 1) {
      const names = fleetName(index);
      const key = `${names.serviceName}/${names.functionName}`;
      if (index % PER_SERVICE === 0) put(service, names.serviceName, { serviceName: names.serviceName });
      put(own, key, { ...names, functionId: `id-${index}` });
      put(trigger, `${key}/http`, { ...names, triggerId: `id-${index}`, host: fleetHost(index) });
      if (changes.length >= CHANGES_AT_ONCE) {
        await store.commit(changes, []);
        changes = [];
      }
    }
    if (changes.length > 0) await store.commit(changes, []);
  } finally {
    await store.close();
  }
}
