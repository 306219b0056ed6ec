import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { Delta } from "../../model/model.ts";
import { makeCertificate } from "../testing/certificates.ts";
import { fc, withControl } from "../testing/control-under-test.ts";
import { createFunction, createTrigger } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

const request = new fc.CreateServiceRequest({ serviceName: "svc" });

/** Lets everything go on that waits for nothing but the loop and the loopback. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("telling the data plane", () => {
  test("a write is answered only when the main loop has applied it", () =>
    withControl(async ({ sdk, main }) => {
      main.confirms = false;
      let answered = false;
      const creating = sdk.createService(request).then(() => {
        answered = true;
      });
      await until(() => main.received.length === 2);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(answered, false);
      main.channel.post({ type: "applied", at: (main.last as Delta).to });
      await creating;
    }));

  test("so is each write of a trigger, a custom domain and its certificate, which comes in one delta", () =>
    withControl(async (underTest) => {
      const { sdk, main } = underTest;
      await createFunction(underTest);
      const first = await makeCertificate(["grpc.example.com"]);
      const second = await makeCertificate(["grpc.example.com"]);
      const routeConfig = new fc.RouteConfig({
        routes: [new fc.PathConfig({ path: "/*", serviceName: "svc", functionName: "fn" })],
      });
      const domainName = "grpc.example.com";
      const updated = (change: object) => sdk.updateCustomDomain(domainName, new fc.UpdateCustomDomainRequest(change));
      const certConfig = (pair: object) => new fc.CertConfig({ certName: "c", ...pair });
      const triggerConfig = JSON.stringify({ authType: "anonymous", methods: ["POST"] });
      const writes: [what: string, write: () => Promise<unknown>, changes: string[]][] = [
        ["create a trigger", () => createTrigger(underTest), ["route"]],
        [
          "create a domain",
          () =>
            sdk.createCustomDomain(
              new fc.CreateCustomDomainRequest({
                domainName,
                protocol: "HTTPS",
                routeConfig,
                certConfig: certConfig(first),
              }),
            ),
          ["certificate", "route"],
        ],
        ["change its certificate", () => updated({ certConfig: certConfig(second) }), ["certificate"]],
        [
          "change the trigger",
          () => sdk.updateTrigger("svc", "fn", "http", new fc.UpdateTriggerRequest({ triggerConfig })),
          ["route", "route"],
        ],
        ["end its service", () => updated({ protocol: "HTTP" }), ["certificate", "route"]],
        ["serve it again", () => updated({ protocol: "HTTPS" }), ["certificate", "route"]],
        ["delete the trigger", () => sdk.deleteTrigger("svc", "fn", "http"), ["route", "route"]],
        ["delete the domain", () => sdk.deleteCustomDomain(domainName), ["certificate"]],
      ];
      for (const [what, write, changes] of writes) {
        main.confirms = false;
        const count = main.received.length;
        let answered = false;
        const writing = write().then(() => {
          answered = true;
        });
        await until(() => main.received.length > count);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(answered, false, `${what}: answered before it was applied`);
        const { put, delete: gone, to } = main.last as Delta;
        const kinds = [...put.map(({ kind }) => kind), ...gone.map((key) => key.split("/")[0])];
        assert.deepEqual(kinds.sort(), changes, what);
        main.channel.post({ type: "applied", at: to });
        await writing;
        assert.equal(main.received.length, count + 1, `${what}: one delta`);
        main.confirms = true;
      }
    }));

  test("deltas follow on one another, and a snapshot answers a resync with all that is in force", () =>
    withControl(async (underTest) => {
      const { main } = underTest;
      await createFunction(underTest);
      await createTrigger(underTest);
      const [snapshot, ...deltas] = main.received;
      assert.equal(snapshot?.type, "snapshot");
      let at = snapshot?.type === "snapshot" ? snapshot.at : -1;
      for (const delta of deltas as Delta[]) {
        assert.equal(delta.from, at);
        at = delta.to;
      }
      main.channel.post({ type: "resync" });
      await until(() => main.last?.type === "snapshot");
      const again = main.last;
      assert.ok(again?.type === "snapshot");
      assert.equal(again.at, at);
      assert.deepEqual(again.entries.map((entry) => entry.kind).sort(), ["accessKey", "function", "route"]);
    }));

  test("without confirmation the answer says after 5 s that the change is stored but not in force yet", async () => {
    const clock = new FakeClock();
    await withControl(
      async ({ control, main, store }) => {
        main.confirms = false;
        const pendingBefore = clock.pendingCount;
        const date = new Date(clock.epochMs());
        const body = JSON.stringify({ serviceName: "svc" });
        const answer = send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body, date });
        await until(() => main.received.length === 2);
        await until(() => clock.pendingCount > pendingBefore);
        clock.advance(5000);
        const { status, json } = await answer;
        assert.equal(status, 500);
        assert.match(
          String(json()["Message"]),
          /^The change is stored, but the gateway has not confirmed it within 5000 ms/,
        );
        assert.equal((await store.list("1234567890", "service")).length, 1);
        assert.equal(clock.pendingCount, pendingBefore);
      },
      { clock },
    );
  });

  test("with the main loop gone a write is refused with 503 before anything is stored; reads go on", () =>
    withControl(async ({ sdk, main, store }) => {
      main.channel.close();
      await assert.rejects(sdk.createService(request), { code: "ServiceUnavailable" });
      assert.deepEqual(await store.list("1234567890", "service"), []);
      assert.deepEqual((await sdk.listServices(new fc.ListServicesRequest({}))).body.services, []);
    }));

  test("a write that waits is refused with 503 when the main loop goes", () =>
    withControl(async ({ sdk, main }) => {
      main.confirms = false;
      const creating = sdk.createService(request);
      await until(() => main.received.length === 2);
      main.channel.close();
      await assert.rejects(creating, { code: "ServiceUnavailable" });
    }));

  test("shutdown: the control plane closes by itself and says so", () =>
    withControl(async ({ control, main }) => {
      main.channel.post({ type: "shutdown" });
      await control.closed;
      await until(() => main.saidShutdown);
      await control.close();
    }));

  test("without room in the store a write is refused with 507 and nothing is half done; later it works", () =>
    withControl(
      async ({ sdk, main }) => {
        const create = (index: number) =>
          sdk.createService(new fc.CreateServiceRequest({ serviceName: `s${index}`, role: "x".repeat(1000) }));
        let count = 0;
        await assert.rejects(
          async () => {
            for (; count < 500; count += 1) await create(count);
          },
          { code: "ResourceExhausted", message: /no room left: nothing was written/ },
        );
        assert.equal(main.received.length, count + 1);
        for (let index = 0; index < 5; index += 1) await sdk.deleteService(`s${index}`);
        await create(1000);
      },
      { storeSizeMaxBytes: 100 * 1024 },
    ));
});
