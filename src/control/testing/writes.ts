/** Every kind of write that the API takes, in an order in which each works on what those before left. */
import { rawZip } from "../code/testing/raw-zip.ts";
import { makeCertificate } from "./certificates.ts";

export interface Write {
  readonly what: string;
  readonly method: "POST" | "PUT" | "DELETE";
  /** May hold `{accessKeyId}`: that of the key made before. */
  readonly path: string;
  readonly body?: Record<string, unknown>;
}

const API = "/2021-04-06";
const KEYS = "/sluice/v1/keys";
const FUNCTIONS = `${API}/services/svc/functions`;
const tagged = { resourceArn: "services/svc" };
export const IMAGE = "registry.test/app:1";

function code(content: string): { zipFile: string } {
  const zip = rawZip([
    { name: "bootstrap", content: `#!/bin/sh\n# ${content}\n`, mode: 0o100755 },
    { name: "lib/data", content: content.repeat(50) },
  ]);
  return { zipFile: zip.toString("base64") };
}

export async function everyWrite(): Promise<readonly Write[]> {
  const { certificate, privateKey } = await makeCertificate(["example.com"]);
  const certConfig = { certName: "test", certificate, privateKey };
  const routes = [{ path: "/*", serviceName: "svc", functionName: "fn", qualifier: "live" }];
  const triggerConfig = (methods: string[]) => JSON.stringify({ authType: "anonymous", methods });
  const container = {
    image: IMAGE,
    registryConfig: { authConfig: { userName: "user", password: "secret" } },
  };
  const live = "?qualifier=live";
  return [
    { what: "create a service", method: "POST", path: `${API}/services`, body: { serviceName: "svc" } },
    { what: "update a service", method: "PUT", path: `${API}/services/svc`, body: { description: "new" } },
    {
      what: "create a function with code",
      method: "POST",
      path: FUNCTIONS,
      body: { functionName: "fn", runtime: "custom", code: code("one") },
    },
    { what: "update a function's code", method: "PUT", path: `${FUNCTIONS}/fn`, body: { code: code("two") } },
    {
      what: "create a function that is an image",
      method: "POST",
      path: FUNCTIONS,
      body: { functionName: "image", runtime: "custom-container", customContainerConfig: container },
    },
    {
      what: "create a trigger",
      method: "POST",
      path: `${FUNCTIONS}/fn/triggers`,
      body: { triggerName: "http", triggerType: "http", triggerConfig: triggerConfig(["POST"]) },
    },
    {
      what: "update a trigger",
      method: "PUT",
      path: `${FUNCTIONS}/fn/triggers/http`,
      body: { triggerConfig: triggerConfig(["GET", "POST"]) },
    },
    { what: "publish a version", method: "POST", path: `${API}/services/svc/versions`, body: {} },
    { what: "update a function", method: "PUT", path: `${FUNCTIONS}/fn`, body: { timeout: 61 } },
    { what: "publish another version", method: "POST", path: `${API}/services/svc/versions`, body: {} },
    {
      what: "create an alias",
      method: "POST",
      path: `${API}/services/svc/aliases`,
      body: { aliasName: "live", versionId: "1" },
    },
    { what: "update an alias", method: "PUT", path: `${API}/services/svc/aliases/live`, body: { versionId: "2" } },
    {
      what: "create a custom domain with a certificate",
      method: "POST",
      path: `${API}/custom-domains`,
      body: { domainName: "example.com", protocol: "HTTP,HTTPS", certConfig, routeConfig: { routes } },
    },
    {
      what: "update a custom domain",
      method: "PUT",
      path: `${API}/custom-domains/example.com`,
      body: { routeConfig: { routes: routes.map((route) => ({ ...route, path: "/a.B/*" })) } },
    },
    {
      what: "put an on-demand config",
      method: "PUT",
      path: `${FUNCTIONS}/fn/on-demand-config${live}`,
      body: { maximumInstanceCount: 3 },
    },
    {
      what: "put a provision config",
      method: "PUT",
      path: `${FUNCTIONS}/fn/provision-config${live}`,
      body: { target: 1 },
    },
    { what: "roll a service back", method: "POST", path: "/sluice/v1/services/svc/rollback", body: {} },
    {
      what: "roll an alias back",
      method: "POST",
      path: "/sluice/v1/services/svc/rollback",
      body: { aliasName: "live" },
    },
    {
      what: "release provisioned instances",
      method: "PUT",
      path: `${FUNCTIONS}/fn/provision-config${live}`,
      body: { target: 0 },
    },
    {
      what: "tag a service",
      method: "POST",
      path: `${API}/tag`,
      body: { ...tagged, tags: { a: "1", b: "2", c: "3" } },
    },
    { what: "untag a service", method: "PUT", path: `${API}/tag`, body: { ...tagged, tagKeys: ["a"] } },
    {
      what: "untag a service as API 2016-08-15 does",
      method: "DELETE",
      path: `${API}/tag`,
      body: { ...tagged, all: true },
    },
    { what: "create an access key", method: "POST", path: KEYS, body: {} },
    { what: "disable an access key", method: "POST", path: `${KEYS}/{accessKeyId}/disable`, body: {} },
    { what: "delete an access key", method: "DELETE", path: `${KEYS}/{accessKeyId}` },
    { what: "delete an on-demand config", method: "DELETE", path: `${FUNCTIONS}/fn/on-demand-config${live}` },
    { what: "delete a custom domain", method: "DELETE", path: `${API}/custom-domains/example.com` },
    { what: "delete an alias", method: "DELETE", path: `${API}/services/svc/aliases/live` },
    { what: "delete a version", method: "DELETE", path: `${API}/services/svc/versions/1` },
    { what: "delete another version", method: "DELETE", path: `${API}/services/svc/versions/2` },
    { what: "delete a trigger", method: "DELETE", path: `${FUNCTIONS}/fn/triggers/http` },
    { what: "delete a function", method: "DELETE", path: `${FUNCTIONS}/fn` },
    { what: "delete a function that is an image", method: "DELETE", path: `${FUNCTIONS}/image` },
    { what: "delete a service", method: "DELETE", path: `${API}/services/svc` },
  ];
}
