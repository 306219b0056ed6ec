// The greeter: a gRPC server as Function Compute expects it. It speaks HTTP/2 without TLS, because the platform ends
// TLS, and listens on all interfaces, because the platform connects from outside.
//
// A cold start is paid by a caller, so this file loads grpc-js and the codec alone; what only tools ask for (health,
// reflection) is loaded at its first call.
import grpc from "@grpc/grpc-js";
import { addLazily } from "./add-lazily.js";
import { greeter } from "./greeter.js";
import { greeterDefinition } from "./greeter-definition.js";
import { loadHealth, loadReflection } from "./tool-services.js";

/** Serves when FC_SERVER_PORT does not say otherwise; s.yaml names it as caPort. */
const DEFAULT_PORT = 8089;

const server = new grpc.Server();
server.addService(greeterDefinition, greeter);
addLazily(server, { "/grpc.health.v1.Health/": { Check: "unary", List: "unary", Watch: "serverStream" } }, loadHealth);
addLazily(
  server,
  {
    "/grpc.reflection.v1.ServerReflection/": { ServerReflectionInfo: "bidi" },
    "/grpc.reflection.v1alpha.ServerReflection/": { ServerReflectionInfo: "bidi" },
  },
  loadReflection,
);

const address = `[::]:${process.env.FC_SERVER_PORT || DEFAULT_PORT}`;
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    console.error(`greeter cannot listen on ${address}: ${error.message}`);
    process.exit(1);
  }
  console.log(`greeter listening on [::]:${port}`);
});

// No new calls from here on; the process ends with its last open call.
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => server.tryShutdown(() => process.exit(0)));
}
