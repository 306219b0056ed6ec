/**
 * Databases as earlier versions of Sluice wrote them, made by their code through the API and dumped: one for each version
 * of the tables, and one for each time that documents got more to say. Today's Sluice serves and changes all of it.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { MIGRATIONS } from "../store/store.ts";
import { openControlPlane } from "./testing/open-control.ts";
import { send } from "./testing/signed-request.ts";
import { IMAGE } from "./testing/writes.ts";

const databases = join(import.meta.dirname, "testing/databases");
/** `<version of the tables>-<what was new>.sql`. */
const names = await readdir(databases);
const API = "/2021-04-06";

test("there is a database of every version of the tables", () => {
  const versions = new Set(names.map((name) => Number(name.split("-")[0])));
  const wanted = Array.from(MIGRATIONS, (_step, index) => index + 1);
  assert.deepEqual([...versions].sort(), wanted, "Dump one with the code of before, when a step is added");
});

describe("a database of an earlier Sluice", () => {
  for (const name of names) {
    test(`${name}: all is read, served, changed and billed`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "sluice-earlier-"));
      try {
        const db = new DatabaseSync(join(folder, "state.db"));
        db.exec(await readFile(join(databases, name), "utf8"));
        const documents = db.prepare("SELECT kind, key FROM document WHERE value IS NOT NULL").all();
        db.close();
        const { control, images, main, store } = await openControlPlane(folder);
        images.ids.set(IMAGE, `sha256:${"1".repeat(64)}`);
        const ask = async (method: string, path: string, body?: object) => {
          const answer = await send(control.apiPort, { method, path, ...(body && { body: JSON.stringify(body) }) });
          assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
          return answer;
        };
        for (const { kind, key } of documents) {
          const path = pathOf(String(kind), String(key).split("/"));
          if (path !== undefined) await ask("GET", path);
        }
        const snapshot = main.received[0];
        assert.ok(snapshot?.type === "snapshot");
        const told = new Set(snapshot.entries.map((entry) => entry.kind));
        for (const kind of ["function", "route", "certificate"] as const) assert.ok(told.has(kind), kind);
        await ask("GET", "/sluice/v1/functions");
        await ask("PUT", `${API}/services/svc`, { description: "changed" });
        await ask("PUT", `${API}/services/svc/functions/fn`, { timeout: 5, instanceConcurrency: 7 });
        const triggerConfig = JSON.stringify({ authType: "function", methods: ["POST"] });
        await ask("PUT", `${API}/services/svc/functions/fn/triggers/http`, { triggerConfig });
        await ask("PUT", `${API}/custom-domains/example.com`, { protocol: "HTTPS" });
        const version = (await ask("POST", `${API}/services/svc/versions`, {})).json()["versionId"];
        const aliasName = `new${version}`;
        await ask("POST", `${API}/services/svc/aliases`, { aliasName, versionId: version });
        await ask("PUT", `${API}/services/svc/functions/fn`, { timeout: 6 });
        await ask("POST", "/sluice/v1/services/svc/rollback", {});
        const function_ = await ask("GET", `${API}/services/svc/functions/fn`);
        assert.deepEqual([function_.json()["timeout"], function_.json()["memorySize"]], [5, 512]);
        if (documents.some(({ kind }) => kind === "alias")) {
          await ask("PUT", `${API}/services/svc/aliases/live`, { versionId: version });
          await ask("POST", "/sluice/v1/services/svc/rollback", { aliasName: "live" });
        }
        assert.equal((await store.usageTotals("1234567890"))[0]?.calls, 2);
        await control.close();
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});

/** Where a document is read; undefined where nowhere by itself. */
function pathOf(kind: string, [service = "", second = "", third = ""]: string[]): string | undefined {
  const services = `${API}/services/${service}`;
  switch (kind) {
    case "service":
      return services;
    case "function":
      return `${services}/functions/${second}`;
    case "trigger":
      return `${services}/functions/${second}/triggers/${third}`;
    case "customDomain":
      return `${API}/custom-domains/${service}`;
    case "alias":
      return `${services}/aliases/${second}`;
    case "versionFunction":
      return `${services}/functions/${third}?qualifier=${second}`;
    case "version":
      return `${services}?qualifier=${second}`;
    case "onDemandConfig":
      return `${services}/functions/${second}/on-demand-config?qualifier=${third}`;
    case "provisionConfig":
      return `${services}/functions/${second}/provision-config?qualifier=${third}`;
    default:
      return undefined;
  }
}
