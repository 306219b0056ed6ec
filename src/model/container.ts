/** What a function that is a container image starts from (Function Compute, "Custom Container", customContainerConfig). */
export interface ContainerImage {
  /** As the user wrote it, for people to read. */
  readonly reference: string;
  /** Id of the image (`sha256:...`) to which the reference led when it was deployed: what a revision runs never changes. */
  readonly id: string;
  /** In place of the image's ENTRYPOINT; absent: that. */
  readonly command?: readonly string[];
  /** In place of the image's CMD; absent: that. */
  readonly args?: readonly string[];
}

/** Where an instance asks for names (Function Compute, customDNS; resolv.conf(5)). */
export interface DnsSettings {
  /** IP addresses. */
  readonly nameServers: readonly string[];
  readonly searches: readonly string[];
  /** As written in resolv.conf: `name` or `name:value`. */
  readonly options: readonly string[];
}
