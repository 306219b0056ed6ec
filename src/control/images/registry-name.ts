/** Registries, as references of images name them (github.com/distribution/reference). Pure. */

/** Registry of references that name none. */
export const DOCKER_HUB = "docker.io";

/**
 * Host, maybe with port, of the registry that a reference leads to. The first part of a name is a host where it has a
 * dot or a colon, or is `localhost`; all else is on Docker Hub.
 */
export function registryOf(reference: string): string {
  const slash = reference.indexOf("/");
  const first = slash === -1 ? "" : reference.slice(0, slash);
  return /[.:]/.test(first) || first === "localhost" ? canonicalRegistry(first) : DOCKER_HUB;
}

/** Docker Hub goes by several names, one of them in what `docker login` writes. */
export function canonicalRegistry(host: string): string {
  const lower = host.toLowerCase();
  return lower === "index.docker.io" || lower === "registry-1.docker.io" ? DOCKER_HUB : lower;
}
