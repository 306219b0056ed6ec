import type { PeerOptions } from "./nginx.conf.ts";

/** HAProxy as a gRPC gateway at its best: no log, connections to the function shared and kept, one thread. */
export function haproxyCfg(options: PeerOptions & { readonly bundleFile: string }): string {
  return `
global
  nbthread 1
  maxconn 4000
  tune.h2.max-concurrent-streams 1000
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
frontend grpc
  bind 127.0.0.1:${options.port} ssl crt ${options.bundleFile} alpn h2
  default_backend function
backend function
  server function 127.0.0.1:${options.functionPort} proto h2 pool-max-conn 128
`;
}
