import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silentLogger } from "../../base/base.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { AcmeProgress, CustomDomain } from "../../model/model.ts";
import { ApiError } from "../api-error.ts";
import { makeCertificate } from "../testing/certificates.ts";
import type { IssuedCertificate } from "./acme-authority.ts";
import { CertificateKeeper } from "./certificate-keeper.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Domains in memory, a CA whose answers the test gives, and the clock that a keeper lives by. */
class Bench {
  readonly clock = new FakeClock();
  readonly domains = new Map<string, CustomDomain>();
  /** Names that were ordered. */
  readonly orders: string[] = [];
  /** Minutes since the start at which. */
  readonly orderedAt: number[] = [];
  failure: string | undefined;
  readonly keeper = new CertificateKeeper({
    repository: {
      list: async () => [...this.domains].map(([key, value]) => ({ key, value: value as never, etag: "" })),
    },
    customDomains: {
      renew: async (name, change) => {
        const current = this.domains.get(name);
        if (current === undefined) throw new ApiError("DomainNameNotFound", "gone");
        this.domains.set(name, change(current));
        return { key: name, value: current, etag: "" };
      },
    },
    domainCa: { caFile: "", issue: (name) => this.#issue(name, 390) },
    acme: {
      order: async (name) => {
        this.orders.push(name);
        this.orderedAt.push(this.clock.nowMs() / MINUTE_MS);
        if (this.failure !== undefined) throw new Error(this.failure);
        return this.#issue(name, 90);
      },
    },
    clock: this.clock,
    logger: silentLogger,
  });

  put(domainName: string, more: Partial<CustomDomain> = {}): void {
    this.domains.set(domainName, {
      domainName,
      protocol: "HTTPS",
      routes: [],
      createdAt: 0,
      lastModifiedAt: 0,
      ...more,
    });
  }

  /** Moves time on, with what falls due and what that waits for. */
  async pass(ms: number, step = MINUTE_MS): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(step);
      await this.settled();
    }
  }

  async settled(): Promise<void> {
    for (let i = 0; i < 20; i++) await turn();
    // Keys are made by other threads.
    while (this.#issuing > 0) await turn();
    for (let i = 0; i < 20; i++) await turn();
  }

  #issuing = 0;

  async #issue(name: string, days: number): Promise<IssuedCertificate> {
    this.#issuing += 1;
    const nowAt = this.clock.epochMs();
    try {
      return await makeCertificate([name], new Date(nowAt + days * DAY_MS), undefined, new Date(nowAt));
    } finally {
      this.#issuing -= 1;
    }
  }
}

const ASKING: AcmeProgress = { state: "pending", nextAt: 0, failures: 0 };

test("a certificate by ACME is ordered once, and renewed when a third of its life is left", async () => {
  const bench = new Bench();
  bench.put("a.example.com", { acme: ASKING });
  bench.put("b.example.com");
  bench.keeper.look();
  await bench.settled();
  const first = bench.domains.get("a.example.com");
  assert.deepEqual(
    [bench.orders, first?.acme?.state, first?.certificate?.certName],
    [["a.example.com"], "valid", "acme"],
  );
  await bench.pass(59 * DAY_MS, DAY_MS);
  assert.equal(bench.orders.length, 1);
  await bench.pass(2 * DAY_MS, DAY_MS);
  assert.equal(bench.orders.length, 2);
  assert.notEqual(bench.domains.get("a.example.com")?.certificate?.certificate, first?.certificate?.certificate);
  bench.keeper.stop();
  await bench.pass(90 * DAY_MS, DAY_MS);
  assert.equal(bench.orders.length, 2);
  assert.equal(bench.clock.pendingCount, 0);
});

test("a failure is told and tried again after 5 minutes, then twice that, up to a day; what is shown stays", async () => {
  const bench = new Bench();
  const own = { certName: "c", certificate: "C", privateKey: "K" };
  bench.put("a.example.com", { acme: ASKING, certificate: own });
  bench.failure = "429 too\n  many";
  bench.keeper.look();
  await bench.settled();
  await bench.pass(160 * MINUTE_MS);
  assert.deepEqual(bench.orderedAt, [0, 5, 15, 35, 75, 155]);
  const failing = bench.domains.get("a.example.com");
  assert.deepEqual(
    [failing?.acme?.state, failing?.acme?.failures, failing?.acme?.problem],
    ["failing", 6, "429 too many"],
  );
  assert.deepEqual(failing?.certificate, own);
  await bench.pass(10 * DAY_MS, 60 * MINUTE_MS);
  const [last = 0, beforeLast = 0] = bench.orderedAt.toReversed();
  assert.ok(Math.abs(last - beforeLast - 1440) <= 60, `${last - beforeLast} minutes`);

  bench.failure = undefined;
  await bench.pass(DAY_MS, 60 * MINUTE_MS);
  const { acme } = bench.domains.get("a.example.com") ?? {};
  assert.deepEqual([acme?.state, acme?.failures, acme?.problem], ["valid", 0, undefined]);
  bench.keeper.stop();
});

test("a domain that is deleted or does not ask any more while its order is under way stays so, and others go on", async () => {
  const bench = new Bench();
  for (const name of ["a.example.com", "b.example.com", "c.example.com"]) bench.put(name, { acme: ASKING });
  bench.keeper.look();
  bench.domains.delete("a.example.com");
  bench.put("b.example.com");
  await bench.settled();
  assert.equal(bench.domains.has("a.example.com"), false);
  assert.equal(bench.domains.get("b.example.com")?.certificate, undefined);
  assert.equal(bench.domains.get("c.example.com")?.acme?.state, "valid");
  bench.keeper.stop();
});

test("a certificate of the local CA is issued again a month before it ends", async () => {
  const bench = new Bench();
  const nowAt = bench.clock.epochMs();
  const pair = await makeCertificate(["a.example.com"], new Date(nowAt + 40 * DAY_MS), undefined, new Date(nowAt));
  bench.put("a.example.com", { localCertificate: { certName: "local", ...pair } });
  bench.keeper.look();
  await bench.settled();
  await bench.pass(9 * DAY_MS, DAY_MS);
  assert.equal(bench.domains.get("a.example.com")?.localCertificate?.certificate, pair.certificate);
  await bench.pass(2 * DAY_MS, DAY_MS);
  assert.notEqual(bench.domains.get("a.example.com")?.localCertificate?.certificate, pair.certificate);
  bench.keeper.stop();
});
