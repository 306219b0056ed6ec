import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CertificateEntry, type Delta, entryKey, type RouteEntry } from "../../model/model.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { type ControlUnderTest, fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger, publish } from "../testing/samples.ts";

function routes(...paths: string[]) {
  return new fc.RouteConfig({
    routes: paths.map((path) => new fc.PathConfig({ path, serviceName: "svc", functionName: "fn" })),
  });
}

function create({ sdk }: ControlUnderTest, given: object) {
  return sdk.createCustomDomain(
    new fc.CreateCustomDomainRequest({ domainName: "grpc.example.com", protocol: "HTTP", ...given }),
  );
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
      assert.deepEqual((main.last as Delta).put, []);
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

  test("certificates are checked before they are taken: form, key, name, age", () =>
    withControl(async (underTest) => {
      const [pair, other] = await Promise.all([
        makeCertificate(["grpc.example.com"]),
        makeCertificate(["other.example.com"]),
      ]);
      const expired = await makeCertificate(["grpc.example.com"], new Date(Date.UTC(2021, 0, 1)));
      const tryPair = (certificate: string, privateKey: string) =>
        create(underTest, {
          protocol: "HTTPS",
          certConfig: new fc.CertConfig({ certName: "c", certificate, privateKey }),
        });
      const refused: [string, string, RegExp][] = [
        ["nonsense", pair.privateKey, /certConfig\.certificate: expected an X\.509 certificate/],
        [pair.certificate, "nonsense", /certConfig\.privateKey: expected a private key in PEM/],
        [pair.certificate, other.privateKey, /certConfig\.privateKey: expected the key of/],
        [other.certificate, other.privateKey, /expected one for grpc\.example\.com, got one for DNS:other/],
        [expired.certificate, expired.privateKey, /not expired/],
      ];
      for (const [certificate, key, message] of refused) {
        await assert.rejects(tryPair(certificate, key), (error: Error & { code: string }) => {
          assert.equal(error.code, "InvalidArgument");
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /PRIVATE KEY/);
          return true;
        });
      }
      await assert.rejects(create(underTest, { protocol: "HTTPS" }), {
        message: /certConfig: expected certificate and key/,
      });
      const { privateKey } = pair;
      await assert.rejects(create(underTest, { certConfig: new fc.CertConfig({ privateKey }) }), (error: Error) => {
        assert.match(error.message, /certConfig: expected an object with certName.*not repeated/);
        assert.doesNotMatch(error.message, /PRIVATE KEY/);
        return true;
      });
      await tryPair(pair.certificate, pair.privateKey);
    }));

  test("routes are checked: path, function, each path once, no rewriting", () =>
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
      const rewriteConfig = new fc.RewriteConfig({
        wildcardRules: [new fc.RewriteConfigWildcardRules({ match: "/*", replacement: "/$1" })],
      });
      await assert.rejects(create(underTest, { routeConfig: to({ rewriteConfig }) }), { message: /rewrites no paths/ });
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
        return { put: put.map(entryKey).filter((key) => !key.includes("fcapp")), gone };
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
