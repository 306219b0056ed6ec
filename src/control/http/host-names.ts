/** Names of this machine by which the API may be asked. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Whether a Host header names this API. A web page that has its own name resolve to 127.0.0.1 (DNS rebinding) is
 * refused by it. Any port: there may be a tunnel.
 */
export function isOwnHost(host: string | undefined, listenHosts: readonly string[]): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
  if (name === undefined) return false;
  return (
    LOOPBACK_NAMES.includes(name) || listenHosts.includes(name) || listenHosts.some((each) => `[${each}]` === name)
  );
}

/** Whether an address that is listened on is reached from this machine alone. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isFromThisMachine(host);
}

/** What to tell whoever asked by another name. */
export function foreignHostMessage(host: string | undefined): string {
  const isFunctionCompute = /\.fc\.aliyuncs\.com(:\d+)?$/i.test(host ?? "");
  const what = isFunctionCompute
    ? "that is Function Compute's own; calls of functions go over gRPC to the host of their http trigger, and clients are given this API's address as their endpoint"
    : "give clients its address as their endpoint";
  return `this API is not asked as '${host}': ${what} (\`sluice env\` prints it)`;
}

/** Whether a socket's remote address is a loopback address. */
export function isFromThisMachine(remoteAddress: string | undefined): boolean {
  return remoteAddress !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(remoteAddress);
}
