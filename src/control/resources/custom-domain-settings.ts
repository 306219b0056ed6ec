/** What people send of a custom domain. */
import { z } from "zod";
import { type DomainRoute, LATEST } from "../../model/model.ts";
import { rewriteConfig } from "./rewrite-settings.ts";
import { methodList } from "./triggers.ts";
import { name, oneOf, qualifier, settings, text, textList } from "./validation.ts";

const ROUTE_COUNT_MAX = 200;
const PEM_MAX_CHARS = 128 * 1024;

const route = z
  .object(
    {
      path: z.custom<string>(
        (value) =>
          typeof value === "string" && value.length <= 1024 && /^\/[^*\s?#]*$|^\/([^*\s?#]*\/)?\*$/.test(value),
        "a path that begins with / and is exact or ends in /*",
      ),
      serviceName: name(128),
      functionName: name(64),
      qualifier: qualifier.optional(),
      methods: z.union([methodList, z.tuple([])], "a list of HTTP methods").optional(),
      rewriteConfig: rewriteConfig.optional(),
    },
    "an object",
  )
  .transform(({ path, serviceName, functionName, qualifier: wanted = LATEST, methods, rewriteConfig }): DomainRoute => {
    const allowed = methods === undefined || methods.length === 0 ? {} : { methods };
    const rewrite = rewriteConfig === undefined ? {} : { rewriteConfig };
    return { path, serviceName, functionName, qualifier: wanted, ...allowed, ...rewrite };
  });

/** Names in place of a certificate: it comes by ACME, or from the local CA of custom domains. */
const SOURCES = ["acme", "local"] as const;

/** What `certConfig` asks for; undefined: it says nothing. */
export type WantedCertificate =
  | { readonly certName: string; readonly certificate: string; readonly privateKey: string }
  | (typeof SOURCES)[number]
  | undefined;

const certConfig = z
  .object({ certName: text(128), certificate: text(PEM_MAX_CHARS), privateKey: text(PEM_MAX_CHARS) })
  .partial()
  .refine(
    ({ certName = "", certificate = "", privateKey = "" }) =>
      (certName !== "" && certificate !== "" && privateKey !== "") ||
      (certificate === "" && privateKey === "" && certName === "") ||
      // An answer of this API that comes back: it holds no key.
      (privateKey === "" && isSource(certName)),
  )
  .transform(({ certName = "", certificate = "", privateKey = "" }): WantedCertificate => {
    if (privateKey !== "") return { certName, certificate, privateKey };
    return isSource(certName) ? certName : undefined;
  });

function isSource(certName: string): certName is (typeof SOURCES)[number] {
  return SOURCES.some((each) => each === certName);
}

const tlsVersion = oneOf(["TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);

export const updateDomainSchema = settings({
  protocol: oneOf(["HTTP", "HTTPS", "HTTP,HTTPS"]),
  routeConfig: settings({ routes: z.array(route, "a list").max(ROUTE_COUNT_MAX, `at most ${ROUTE_COUNT_MAX} routes`) }),
  certConfig: z.unknown().transform((value, context) => {
    const result = certConfig.safeParse(value ?? {});
    if (result.success) return result.data;
    context.addIssue({
      code: "custom",
      message: `an object with certName, certificate and privateKey, texts in PEM, or with certName ${SOURCES.join(" or ")} alone`,
    });
    return z.NEVER;
  }),
  tlsConfig: settings({ minVersion: tlsVersion, maxVersion: tlsVersion, cipherSuites: textList(100, 128) }),
});
export const createDomainSchema = updateDomainSchema.extend({ domainName: text(256) });

export type GivenDomain = z.output<typeof updateDomainSchema>;
