import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { functionKey } from "../../model/model.ts";
import { processesWithVariable } from "../host/process-tree.ts";
import type { ContractContext } from "./driver-contract.ts";
import { uidOf } from "./host-inventory.ts";
import { Dialogue } from "./test-function.ts";

export function isolationContract(context: ContractContext): void {
  describe("isolation", () => {
    test("uid: not 0, one for each function, also below a closed home", async (t) => {
      if (!context.subject.hasOwnUids) {
        t.skip("functions run as the user who runs Sluice");
        return;
      }
      const specs = ["one", "one", "two"].map((name) => context.home.spec({ function: functionKey("test", name) }));
      const instances = specs.map((spec) => context.driver.start(spec));
      await Promise.all(instances.map((instance) => instance.listening));
      const uids = specs.map(({ instanceId }) => uidOf(processesWithVariable("FC_INSTANCE_ID", instanceId)[0]!));
      assert.ok(
        uids.every((uid) => uid >= 200_000 && uid < 210_000),
        uids.join(),
      );
      assert.equal(uids[0], uids[1]);
      assert.notEqual(uids[0], uids[2]);
      for (const instance of instances) instance.destroy();
      await Promise.all(instances.map((instance) => instance.exited));
    });

    test("privileges: none left, and no way to get any", async (t) => {
      if (!context.subject.hasOwnUids) {
        t.skip("functions run as the user who runs Sluice");
        return;
      }
      const spec = context.home.spec();
      const instance = context.driver.start(spec);
      await instance.listening;
      const status = readFileSync(
        `/proc/${processesWithVariable("FC_INSTANCE_ID", spec.instanceId)[0]}/status`,
        "utf8",
      );
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
        assert.match(status, new RegExp(`^${set}:\t0+$`, "m"));
      }
      // Engines count a user's own group among its further ones.
      const [, gid, groups = ""] = /^Gid:\t(\d+).*^Groups:\t?([^\n]*)$/ms.exec(status) ?? [];
      assert.ok(["", gid].includes(groups.trim()), `groups ${groups}`);
      const dialogue = await Dialogue.open(instance);
      const written = await dialogue.ask({ do: "write", path: `${context.home.path}/program/new` });
      assert.equal(written["ok"], false);
      instance.destroy();
      await instance.exited;
    });
  });
}
