/** nginx as a gRPC gateway at its best: no access log, kept connections to the function, one worker. */
export function nginxConf(options: PeerOptions): string {
  return `
worker_processes 1;
daemon off;
pid ${options.folder}/nginx.pid;
error_log ${options.folder}/nginx.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${options.folder}/nginx-body;
  proxy_temp_path ${options.folder}/nginx-proxy;
  fastcgi_temp_path ${options.folder}/nginx-fastcgi;
  uwsgi_temp_path ${options.folder}/nginx-uwsgi;
  scgi_temp_path ${options.folder}/nginx-scgi;
  upstream function {
    server 127.0.0.1:${options.functionPort};
    keepalive 128;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${options.port} ssl http2 backlog=4096;
    ssl_certificate ${options.certificateFile};
    ssl_certificate_key ${options.keyFile};
    ssl_protocols TLSv1.3;
    http2_max_concurrent_streams 1000;
    keepalive_requests 100000000;
    keepalive_timeout 3600s;
    grpc_read_timeout 3600s;
    location / { grpc_pass grpc://function; }
  }
}
`;
}

export interface PeerOptions {
  readonly port: number;
  readonly functionPort: number;
  /** For everything that the peer writes. */
  readonly folder: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}
