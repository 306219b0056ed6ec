/** Where HTTP triggers were called before they had hosts of their own (Function Compute, API 2016-08-15). */
const PROXY_PATH = "/2016-08-15/proxy/";

/** Whether a path is one of before. No gRPC method begins so: names in protocol buffers begin with no digit. */
export function isOldPath(path: string): boolean {
  return path.startsWith(PROXY_PATH);
}

/**
 * Why an address of before leads nowhere, as the end of a message; undefined: it is none. `host` as `hostOf` gives it.
 * Function Compute serves no gRPC at these either.
 */
export function oldAddressHint(host: string, path: string): string | undefined {
  const what = isOldPath(path) ? `paths below ${PROXY_PATH}` : isOldHost(host) ? "hosts of fc.aliyuncs.com" : undefined;
  if (what === undefined) return undefined;
  return `${what} serve no gRPC, here as in Function Compute: call /package.Service/Method at the host of the function's http trigger (its urlInternet, without https://) or at a custom domain`;
}

/** `<account>.<region>[-internal].fc.aliyuncs.com`, and what has the same form below another domain. */
function isOldHost(host: string): boolean {
  return host.endsWith(".fc.aliyuncs.com") || /^\d+\.[a-z0-9-]+\.fc\./.test(host);
}
