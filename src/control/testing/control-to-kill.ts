/**
 * A program for the test of kills: a control plane whose main loop confirms all. Its parent tells it by messages when
 * to count the steps of a write, and before which to be killed.
 */
import { countSteps, stepsSince } from "./steps.ts";

export type ToProgram = { readonly type: "count"; readonly killAt: number } | { readonly type: "steps" };

const dataDir = process.argv[2];
if (dataDir === undefined || process.send === undefined) throw new Error("Fork this with the data folder");
const { Hono } = await import("hono");
/** `POST /path` of everything that is no GET, as the control plane mounts it. */
const writeRoutes: string[] = [];
const mount = Hono.prototype.route;
Hono.prototype.route = function route(this: unknown, path: string, app: InstanceType<typeof Hono>) {
  const writes = app.routes.filter(({ method }) => method !== "GET" && method !== "ALL");
  writeRoutes.push(...writes.map((each) => `${each.method} ${`${path}${each.path}`.replace(/\/+/g, "/")}`));
  return mount.call(this as never, path, app);
} as typeof mount;
const { openControlPlane } = await import("./open-control.ts");
const { control, images } = await openControlPlane(dataDir);
images.ids.set("registry.test/app:1", `sha256:${"1".repeat(64)}`);
process.on("message", (message: ToProgram) => {
  if (message.type === "count") {
    countSteps(message.killAt);
    process.send?.({});
  } else process.send?.(stepsSince());
});
process.on("disconnect", () => process.exit());
process.send({ port: control.apiPort, writeRoutes: [...new Set(writeRoutes)] });
