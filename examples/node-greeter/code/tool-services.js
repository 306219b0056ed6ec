// Services that tools and probes ask for. They are loaded with require, because a call that needs them cannot wait for
// an import.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** grpc.health.v1.Health: serving, as a whole and by name. */
export function loadHealth() {
  const { HealthImplementation } = require("grpc-health-check");
  return new HealthImplementation({ "": "SERVING", "helloworld.Greeter": "SERVING" });
}

/** grpc.reflection.v1 and v1alpha for helloworld.proto. */
export function loadReflection() {
  const { ReflectionService } = require("@grpc/reflection");
  const { fromJSON } = require("@grpc/proto-loader");
  return new ReflectionService(fromJSON(require("./helloworld.json"), { keepCase: true }));
}
