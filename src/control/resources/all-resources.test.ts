import assert from "node:assert/strict";
import { test } from "node:test";
import { withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger } from "../testing/samples.ts";
import { AllResources } from "./all-resources.ts";
import { Repository } from "./repository.ts";

test("AllResources: reads as the repository does, by key and below parents", () =>
  withControl(async (underTest) => {
    await createFunction(underTest);
    await createTrigger(underTest);
    const repository = new Repository(underTest.store, "1234567890");
    const all = await AllResources.read(repository);
    for (const kind of ["service", "function", "trigger", "alias"] as const) {
      for (const prefix of ["", "svc/", "svc/fn/", "other/"]) {
        assert.deepEqual(
          await all.list(kind, { prefix }),
          await repository.list(kind, { prefix }),
          `${kind} ${prefix}`,
        );
      }
      for (const key of ["svc", "svc/fn", "svc/fn/http", "none"]) {
        assert.deepEqual(await all.get(kind, key), await repository.get(kind, key), `${kind} ${key}`);
      }
    }
    const [trigger] = await all.list("trigger", { prefix: "svc/fn/" });
    assert.equal(trigger?.value.triggerName, "http");
    await assert.rejects(all.list("function", { prefix: "svc/f" }), TypeError);
    await assert.rejects(all.list("function", { prefix: "svc/", limit: 1 }), TypeError);
  }));
