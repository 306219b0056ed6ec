import { shellQuote } from "../../client/client.ts";

/** How clients are told of a CA where the system's store does not: language or tool, and the line. */
export function clientLines(caFile: string): readonly (readonly [client: string, line: string])[] {
  const literal = JSON.stringify(caFile);
  const word = shellQuote(caFile);
  return [
    ["Go", `credentials.NewClientTLSFromFile(${literal}, "")`],
    ["Python", `grpc.ssl_channel_credentials(open(${literal}, "rb").read())`],
    ["Node.js", `grpc.credentials.createSsl(fs.readFileSync(${literal}))`],
    ["Java", `TlsChannelCredentials.newBuilder().trustManager(new File(${literal})).build()`],
    ["grpcurl", `grpcurl -cacert ${word} ...`],
    ["Python, C++, Ruby, PHP, unchanged", `export GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=${word}`],
    ["Node.js, unchanged", `export NODE_EXTRA_CA_CERTS=${word}`],
    ["Go, curl and OpenSSL, unchanged", `export SSL_CERT_FILE=${word}`],
  ];
}
