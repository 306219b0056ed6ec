import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { openEngine } from "./container/engine.ts";
import { containerSetting } from "./testing/container-subjects.ts";
import { OrdinaryUser } from "./testing/ordinary-user.ts";
import { sandboxSkip } from "./testing/subjects.ts";

const setting = await containerSetting();

describe("images as an ordinary user whom the engine lets in", { skip: setting.skip || sandboxSkip() }, () => {
  for (const isolation of ["sandbox", "process"]) {
    test(`beside the ${isolation} driver, and nothing is left after`, async () => {
      const socket = setting.address.slice("unix://".length);
      await chmod(socket, 0o666);
      await chmod(dirname(socket), 0o711);
      const user = await OrdinaryUser.create();
      try {
        const program = join(import.meta.dirname, "testing", "image-program.ts");
        const words = [
          `DOCKER_HOST=${setting.address}`,
          user.nodePath,
          user.path(program),
          isolation,
          setting.images.program,
        ];
        const [command = "", ...args] = user.command(["env", ...words]);
        const { stdout } = await promisify(execFile)(command, args, { env: user.environment, timeout: 60_000 });
        const { name, images, programs } = JSON.parse(stdout) as { name: string; images: boolean; programs: string[] };
        assert.deepEqual([name, images], [isolation, true]);
        assert.notEqual(programs[0], "/app/bootstrap");
        assert.equal(programs[1], "/app/bootstrap");
      } finally {
        await user.remove();
      }
      const { docker } = await openEngine({ address: setting.address });
      assert.deepEqual(await docker.listContainers({ all: true }), []);
    });
  }
});
