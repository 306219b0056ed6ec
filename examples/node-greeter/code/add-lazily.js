/**
 * Adds services to a server whose code is loaded at the first call to one of them.
 *
 * @param {import("@grpc/grpc-js").Server} server
 * @param {Record<string, Record<string, "unary" | "serverStream" | "bidi">>} services kind of each method, by the
 *   method's name, by the path of its service
 * @param {() => { addToServer(server: unknown): void }} load makes what knows how to add these services
 */
export function addLazily(server, services, load) {
  let loaded;
  const method = (path) => {
    loaded ??= collectMethods(load());
    return loaded.get(path);
  };
  for (const [prefix, kinds] of Object.entries(services)) {
    const definition = {};
    const implementation = {};
    for (const [name, kind] of Object.entries(kinds)) {
      const path = prefix + name;
      definition[name] = {
        path,
        requestStream: kind === "bidi",
        responseStream: kind !== "unary",
        requestDeserialize: (bytes) => method(path).definition.requestDeserialize(bytes),
        responseSerialize: (message) => method(path).definition.responseSerialize(message),
      };
      implementation[name] = (call, callback) => method(path).handle(call, callback);
    }
    server.addService(definition, implementation);
  }
}

/** What a loaded service would add to a server, by path. */
function collectMethods(service) {
  const methods = new Map();
  service.addToServer({
    addService(definitions, implementation) {
      for (const [name, definition] of Object.entries(definitions)) {
        const handle = implementation[name] ?? implementation[definition.originalName];
        methods.set(definition.path, { definition, handle });
      }
    },
  });
  return methods;
}
