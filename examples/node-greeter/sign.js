// Signs each call with an access key, as triggers with authType function ask for (Function Compute, "Signature
// authentication").
import { createHmac } from "node:crypto";
import grpc from "@grpc/grpc-js";

/**
 * Call credentials, to be combined with TLS: `credentials.combineChannelCredentials(tls, signedCalls(key))`. The signature
 * covers the path of the call, so there is one for each. If a call has x-fc-* metadata of its own, lines "name:value" of
 * it stand, sorted, before the path.
 */
export function signedCalls({ accessKeyId, accessKeySecret }) {
  return grpc.credentials.createFromMetadataGenerator(({ method_name: path }, callback) => {
    const date = new Date().toUTCString();
    const text = `POST\n\napplication/grpc\n${date}\n${path}\n`;
    const metadata = new grpc.Metadata();
    metadata.set("date", date);
    const signature = createHmac("sha256", accessKeySecret).update(text).digest("base64");
    metadata.set("authorization", `FC ${accessKeyId}:${signature}`);
    callback(null, metadata);
  });
}

export function keyOfEnvironment() {
  const { ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret } = process.env;
  if (accessKeyId && accessKeySecret) return { accessKeyId, accessKeySecret };
  throw new Error("-sign: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET");
}
