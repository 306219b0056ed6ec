import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AddressPlan, routedRanges } from "./address-plan.ts";

test("AddressPlan.choose: the pair follows from the start, over all ranges", () => {
  const plan = new AddressPlan(["10.201.0.0/30", "172.29.0.8/31"]);
  const choose = (start: number) => plan.choose(start, []);
  assert.deepEqual(choose(0), {
    interfaceName: "sluice00000",
    hostAddress: "10.201.0.0",
    instanceAddress: "10.201.0.1",
  });
  assert.equal(choose(1)?.hostAddress, "10.201.0.2");
  assert.deepEqual(choose(2), {
    interfaceName: "sluice00002",
    hostAddress: "172.29.0.8",
    instanceAddress: "172.29.0.9",
  });
  assert.equal(choose(3)?.hostAddress, "10.201.0.0");
});

test("AddressPlan.choose: leaves out what has a route, and says when nothing is left", () => {
  const table = [
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "sluice00000\t0000C90A\t00000000\t0001\t0\t0\t0\tFEFFFFFF\t0\t0\t0",
  ].join("\n");
  const routes = routedRanges(table);
  assert.deepEqual(routes, [{ first: 0x0ac90000, last: 0x0ac90001 }]);
  const plan = new AddressPlan(["10.201.0.0/30"]);
  assert.equal(plan.choose(0, routes)?.hostAddress, "10.201.0.2");
  assert.equal(plan.choose(0, [{ first: 0x0a000000, last: 0x0affffff }]), undefined);
});

test("AddressPlan.choose: names are short and differ, addresses are a pair, whatever the start", () => {
  const plan = new AddressPlan(["10.201.0.0/16", "172.29.0.0/16"]);
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (start) => {
      const chosen = plan.choose(start, [])!;
      const next = plan.choose(start + 1, [])!;
      assert.ok(chosen.interfaceName.length <= 15);
      assert.notEqual(chosen.interfaceName, next.interfaceName);
      const last = (address: string) => Number(address.split(".")[3]);
      assert.equal(last(chosen.hostAddress) % 2, 0);
      assert.equal(last(chosen.instanceAddress), last(chosen.hostAddress) + 1);
    }),
  );
});

test("AddressPlan: refuses what is no range, and names it", () => {
  for (const range of ["10.201.0.0", "10.201.0.0/33", "300.1.1.1/16", "fd00::/8", "10.0.0.0/4"]) {
    assert.throws(() => new AddressPlan([range]), { message: new RegExp(range.replaceAll(".", "\\.")) });
  }
});
