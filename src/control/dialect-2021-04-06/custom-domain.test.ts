import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import {
  type CertificateEntry,
  type Delta,
  type DomainInfo,
  entryKey,
  type FunctionsAnswer,
  type RouteEntry,
} from "../../model/model.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger, publish } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

function routes(...paths: string[]) {
  return new fc.RouteConfig({
    routes: paths.map((path) => new fc.PathConfig({ path, serviceName: "svc", functionName: "fn" })),
  });
}

function create({ sdk }: ControlUnderTest, given: object) {
  return sdk.createCustomDomain(
    new fc.CreateCustomDomainRequest({ domainName: "grpc.example.com", protocol: "HTTPS", ...given }),
  );
}

function createWith(underTest: ControlUnderTest, certificate: string, privateKey: string) {
  return create(underTest, { certConfig: new fc.CertConfig({ certName: "c", certificate, privateKey }) });
}

/** Those of the first function, as `info` shows them. */
async function domainInfos({ control }: ControlUnderTest): Promise<readonly DomainInfo[]> {
  const answer = (await send(control.apiPort, { path: "/sluice/v1/functions" })).json();
  return (answer as unknown as FunctionsAnswer).functions[0]?.domains ?? [];
}

describe("custom domains through the official SDK", () => {
  test("certificate and routes reach the data plane; the key is never answered; deleting takes all away", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      const pair = await makeCertificate(["grpc.example.com"]);
      const { body } = await create(underTest, {
        domainName: "GRPC.example.com",
        protocol: "HTTPS",
        routeConfig: routes("/*", "/a.B/C"),
        certConfig: new fc.CertConfig({ certName: "c", ...pair }),
      });
      assert.equal(body.certConfig?.certificate, pair.certificate);
      assert.doesNotMatch(JSON.stringify(body.toMap()), /PRIVATE/);
      const put = (main.last as Delta).put;
      const certificate = put.find((entry): entry is CertificateEntry => entry.kind === "certificate");
      assert.equal(certificate?.host, "grpc.example.com");
      assert.equal(certificate?.privateKeyPem, pair.privateKey);
      const paths = put.filter((entry): entry is RouteEntry => entry.kind === "route").map((route) => route.path);
      assert.deepEqual(paths, ["/*", "/a.B/C"]);

      const read = await sdk.getCustomDomain("grpc.example.com");
      assert.deepEqual(read.body.toMap(), body.toMap());
      assert.doesNotMatch(JSON.stringify(await sdk.listCustomDomains(new fc.ListCustomDomainsRequest({}))), /PRIVATE/);
      const updated = await sdk.updateCustomDomain(
        "grpc.example.com",
        new fc.UpdateCustomDomainRequest({ routeConfig: routes("/a.B/*") }),
      );
      assert.equal(updated.body.certConfig?.certName, "c");
      assert.deepEqual((main.last as Delta).delete.toSorted(), [
        "route/grpc.example.com/*",
        "route/grpc.example.com/a.B/C",
      ]);
      await sdk.deleteCustomDomain("grpc.example.com");
      assert.deepEqual((main.last as Delta).delete.toSorted(), [
        "certificate/grpc.example.com",
        "route/grpc.example.com/a.B/*",
      ]);
    }));

  test("a route serves only while its function has an http trigger, by that trigger's rules", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await create(underTest, { routeConfig: routes("/*") });
      assert.deepEqual(
        (main.last as Delta).put.filter(({ kind }) => kind === "route"),
        [],
      );
      await createTrigger(underTest, { methods: ["POST"], disableURLInternet: true });
      const route = (main.last as Delta).put.find((entry) => entry.kind === "route" && entry.origin === "customDomain");
      assert.deepEqual((route as RouteEntry).methods, ["POST"]);
      assert.equal((route as RouteEntry).internetUrlDisabled, false);
      await sdk.deleteTrigger("svc", "fn", "http");
      assert.ok((main.last as Delta).delete.includes("route/grpc.example.com/*"));
    }));

  test("names that are not the caller's to take are refused", () =>
    withControl(async (underTest) => {
      const names = ["localhost", "127.0.0.1", "::1", "fcapp.localhost", "x.local.fcapp.localhost", "*.localhost"];
      for (const domainName of [...names, "X.FCAPP.LOCALHOST", "1.2.3.4", "a", "a..b", "-a.b", "*", "a.*.b", "ä.de"]) {
        await assert.rejects(
          create(underTest, { domainName }),
          { code: "InvalidArgument", message: /domainName: expected/ },
          domainName,
        );
      }
      await create(underTest, { domainName: "*.example.com" });
      assert.equal((await underTest.sdk.getCustomDomain("*.example.com")).body.domainName, "*.example.com");
      await assert.rejects(create(underTest, { domainName: "*.EXAMPLE.com" }), { code: "DomainNameAlreadyExists" });
      await assert.rejects(underTest.sdk.getCustomDomain("no.example.com"), { code: "DomainNameNotFound" });
    }));

  test("certificates are checked before they are taken: form, key, age, size", () =>
    withControl(async (underTest) => {
      const pair = await makeCertificate(["grpc.example.com"]);
      const other = await makeCertificate(["other.example.com"]);
      const expired = await makeCertificate(["grpc.example.com"], new Date(Date.UTC(2021, 0, 1)));
      const small = await makeCertificate(["grpc.example.com"], undefined, 1024);
      const refused: [string, string, RegExp][] = [
        ["nonsense", pair.privateKey, /certConfig\.certificate: expected an X\.509 certificate/],
        [pair.certificate, "nonsense", /certConfig\.privateKey: expected a private key in PEM/],
        [pair.certificate, other.privateKey, /certConfig\.privateKey: expected the key of/],
        [expired.certificate, expired.privateKey, /not expired/],
        [small.certificate, small.privateKey, /an RSA key of at least 2048 bits, got 1024/],
      ];
      for (const [certificate, key, message] of refused) {
        await assert.rejects(createWith(underTest, certificate, key), (error: Error & { code: string }) => {
          assert.equal(error.code, "InvalidArgument");
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /PRIVATE KEY/);
          return true;
        });
      }
      const { privateKey } = pair;
      await assert.rejects(create(underTest, { certConfig: new fc.CertConfig({ privateKey }) }), (error: Error) => {
        assert.match(error.message, /certConfig: expected an object with certName.*not repeated/);
        assert.doesNotMatch(error.message, /PRIVATE KEY/);
        return true;
      });
      await createWith(underTest, pair.certificate, pair.privateKey);
    }));

  test("what clients will not like about a certificate is taken, and told in the answer and by info", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      await createTrigger(underTest);
      const other = await makeCertificate(["other.example.com"]);
      const created = await send(underTest.control.apiPort, {
        method: "POST",
        path: "/2021-04-06/custom-domains",
        body: JSON.stringify({
          domainName: "grpc.example.com",
          protocol: "HTTPS",
          routeConfig: { routes: [{ path: "/*", serviceName: "svc", functionName: "fn" }] },
          certConfig: { certName: "c", ...other },
        }),
      });
      const warnings = created.json()["warnings"] as string[];
      assert.match(warnings[0] ?? "", /not for grpc\.example\.com but for DNS:other\.example\.com/);
      assert.match(warnings[1] ?? "", /self-signed/);
      const [info] = await domainInfos(underTest);
      assert.deepEqual(info?.warnings, warnings);
      assert.equal(info?.certificateSource, "own");
    }));

  test("a domain without certificate gets one of the local CA, which is not shown as the user's; protocol HTTP is not served", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      const created = await create(underTest, { routeConfig: routes("/*") });
      assert.equal(created.body.certConfig?.certificate, undefined);
      const shown = (main.last as Delta).put.find((entry): entry is CertificateEntry => entry.kind === "certificate");
      assert.ok(new X509Certificate(shown?.certificatePem ?? "").checkHost("grpc.example.com"));
      const [local] = await domainInfos(underTest);
      assert.deepEqual([local?.served, local?.certificateSource], [true, "local"]);
      assert.match(local?.warnings[0] ?? "", /a local CA, which clients have to be told of: \/.*domains-ca\.pem/);

      const pair = await makeCertificate(["grpc.example.com"]);
      const update = (change: object) =>
        sdk.updateCustomDomain("grpc.example.com", new fc.UpdateCustomDomainRequest(change));
      await update({ certConfig: new fc.CertConfig({ certName: "c", ...pair }) });
      assert.equal(((main.last as Delta).put[0] as CertificateEntry).certificatePem, pair.certificate);
      await update({ certConfig: new fc.CertConfig({ certName: "local" }) });
      assert.deepEqual((main.last as Delta).put, [shown], "the one that it had before");

      await update({ protocol: "HTTP" });
      assert.deepEqual((main.last as Delta).delete.toSorted(), [
        "certificate/grpc.example.com",
        "route/grpc.example.com/*",
      ]);
      const [http] = await domainInfos(underTest);
      assert.equal(http?.served, false);
      assert.match(http?.warnings[0] ?? "", /protocol HTTP is not served/);
      await assert.rejects(update({ certConfig: new fc.CertConfig({ certName: "acme" }) }), {
        message: /no ACME server is configured/,
      });
    }));

  test("a function's own name in Sluice's zone is taken for it alone, needs no certificate, and goes with it", () =>
    withControl(async (underTest) => {
      const { sdk, main, control } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      const ask = async () =>
        (await send(control.apiPort, { path: "/sluice/v1/services/svc/functions/fn/auto-domain" })).json();
      const { domainName } = (await ask()) as { domainName: string };
      assert.match(domainName, /^fn-svc-[a-z]{10}\.local\.fcapp\.localhost$/);
      assert.deepEqual(await ask(), { domainName });
      await assert.rejects(create(underTest, { domainName }), { message: /a name outside fcapp\.localhost/ });
      await create(underTest, { domainName, routeConfig: routes("/*") });
      assert.deepEqual((main.last as Delta).put.map(entryKey), [`route/${domainName}/*`]);
      assert.deepEqual((await domainInfos(underTest))[0]?.certificateSource, "default");
      await sdk.deleteTrigger("svc", "fn", "http");
      await sdk.deleteFunction("svc", "fn");
      await assert.rejects(sdk.getCustomDomain(domainName), { code: "DomainNameNotFound" });
    }));

  test("routes are checked: path, function, each path once, rules that rewrite it", () =>
    withControl(async (underTest) => {
      await createFunction(underTest);
      for (const path of ["a", "", "/a*", "/*/b", "/**", "/a b", "/a?b"]) {
        await assert.rejects(
          create(underTest, { routeConfig: routes(path) }),
          { message: /routes\.0\.path: expected a path/ },
          path,
        );
      }
      await assert.rejects(create(underTest, { routeConfig: routes("/*", "/*") }), { message: /each path once/ });
      const route = { path: "/*", serviceName: "svc", functionName: "no" };
      const to = (change: object) => new fc.RouteConfig({ routes: [new fc.PathConfig({ ...route, ...change })] });
      await assert.rejects(create(underTest, { routeConfig: to({}) }), { code: "FunctionNotFound" });
      const ofFunction = (qualifier: string) => to({ functionName: "fn", qualifier });
      await assert.rejects(create(underTest, { routeConfig: ofFunction("a.b") }), {
        message: /routes\.0\.qualifier: expected LATEST, the id of a version/,
      });
      await assert.rejects(create(underTest, { routeConfig: ofFunction("prod") }), { code: "AliasNotFound" });
      await assert.rejects(create(underTest, { routeConfig: ofFunction("1") }), { code: "VersionNotFound" });
      const rewriting = (kind: "equal" | "wildcard" | "regex", match: string, replacement: string) =>
        to({ functionName: "fn", rewriteConfig: { [`${kind}Rules`]: [{ match, replacement }] } });
      const amiss: [ReturnType<typeof to>, RegExp][] = [
        [rewriting("regex", "(a", "/"), /regexRules\.0: expected a regular expression that RE2 takes/],
        [rewriting("regex", "(?=a)", "/"), /without look-around/],
        [rewriting("regex", "((a{0,9}){0,9}){0,9}", "/"), /simpler or fewer patterns/],
        [rewriting("wildcard", "/v1/*", "/$2"), /wildcardRules\.0: expected .*\$1 to \$1/],
        [rewriting("equal", "/a", "/b c"), /replacement: expected a path/],
        [rewriting("equal", "", "/b"), /match: expected a text that is not empty/],
      ];
      for (const [routeConfig, message] of amiss) await assert.rejects(create(underTest, { routeConfig }), { message });
      await createTrigger(underTest);
      const routeConfig = rewriting("wildcard", "^/v1/*", "/$1");
      const { body } = await create(underTest, { routeConfig });
      const rules = { equalRules: [], wildcardRules: [{ match: "^/v1/*", replacement: "/$1" }], regexRules: [] };
      assert.deepEqual(body.routeConfig?.routes?.[0]?.rewriteConfig?.toMap(), rules);
      const entry = (underTest.main.last as Delta).put.find((each): each is RouteEntry => each.kind === "route");
      assert.deepEqual(entry?.rewrite, rules);
    }));

  test("a route with a qualifier has the function run under it, while it leads there and the function has a trigger", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.createAlias("svc", new fc.CreateAliasRequest({ aliasName: "prod", versionId: "1" }));
      const route = { path: "/*", serviceName: "svc", functionName: "fn", qualifier: "prod" };
      const routeConfig = (change: object) =>
        new fc.RouteConfig({ routes: [new fc.PathConfig({ ...route, ...change })] });
      const created = await create(underTest, { routeConfig: routeConfig({}) });
      assert.equal(created.body.routeConfig?.routes?.[0]?.qualifier, "prod");
      const lastChange = () => {
        const { put, delete: gone } = main.last as Delta;
        return { put: put.map(entryKey).filter((key) => !/fcapp|^certificate/.test(key)), gone };
      };
      assert.deepEqual(lastChange(), { put: [], gone: [] });
      await createTrigger(underTest);
      const domainRoute = `route/${created.body.domainName}/*`;
      assert.deepEqual(lastChange(), { put: ["function/svc.prod/fn", domainRoute], gone: [] });
      const entry = (main.last as Delta).put.find((each): each is RouteEntry => entryKey(each) === domainRoute);
      assert.equal(entry?.function, "svc.prod/fn");
      assert.equal(entry?.authType, "anonymous");

      await assert.rejects(sdk.deleteAlias("svc", "prod"), { code: "AliasInUse", message: /needed by path '\/\*' of/ });
      const update = { routeConfig: routeConfig({ qualifier: "" }) };
      await sdk.updateCustomDomain(created.body.domainName ?? "", new fc.UpdateCustomDomainRequest(update));
      assert.deepEqual(lastChange(), { put: [domainRoute], gone: ["function/svc.prod/fn"] });
      await sdk.deleteAlias("svc", "prod");
    }));
});
