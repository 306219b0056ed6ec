/** Ways out, with real traffic on hosts of the test's own. */
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dockerSkip } from "../testing/docker-daemon.ts";
import { runScene } from "../testing/network/run-scene.ts";
import { OrdinaryUser } from "../testing/ordinary-user.ts";
import { egressSkip } from "../testing/subjects.ts";

const skip = egressSkip();

const sceneFile = (name: string) => fileURLToPath(new URL(`../testing/network/${name}-scene.ts`, import.meta.url));

for (const scene of ["user-egress", "nat-egress", "container-egress"]) {
  const needsEngine = scene === "container-egress" && dockerSkip();
  test(`${scene} reaches the outside and nothing that is denied`, { skip: skip || needsEngine }, () =>
    runScene(sceneFile(scene)),
  );
}

test("user-egress as an ordinary user: the same", { skip }, async () => {
  await using user = await OrdinaryUser.create();
  await runScene(sceneFile("user-egress"), user);
});
