/** Starts the image with the id in its arguments, and a package beside it, with the driver that Sluice would have here. */
import { silentLogger as logger } from "../../base/base.ts";
import { createDriver } from "../drivers.ts";
import { Dialogue, TestHome } from "./test-function.ts";

const [isolation = "", id = ""] = process.argv.slice(2);
const { driver } = await createDriver({ isolation: isolation as "sandbox" | "process", output: () => {}, logger });
const home = await TestHome.create(true);
try {
  const image = { reference: "test/program:1", id };
  const specs = [home.spec(), home.spec({ codeDir: "", command: [], image })];
  const programs: unknown[] = [];
  for (const spec of specs) {
    const instance = driver.start(spec);
    await instance.listening;
    programs.push((await (await Dialogue.open(instance)).ask({ do: "info" }))["main"]);
    instance.destroy();
    await instance.exited;
  }
  process.stdout.write(JSON.stringify({ name: driver.name, images: driver.capabilities.images, programs }));
} finally {
  await driver.close();
  await home.remove();
}
