import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addressKey, ClientAdmission, type Refusal, type Seat } from "./client-admission.ts";
import { gatewayLimits } from "./limits.ts";

function seatOf(answer: Seat | Refusal): Seat {
  assert.ok("leave" in answer, `refused: ${"token" in answer ? answer.token : ""}`);
  return answer;
}

function tokenOf(answer: Seat | Refusal): string {
  return "token" in answer ? answer.token : "admitted";
}

test("admit: an address has so many handshakes, so many connections; others are not in their way", () => {
  const admission = new ClientAdmission(
    gatewayLimits({ connectionsMax: 6, connectionsPerAddressMax: 4, handshakesPerAddressMax: 2 }),
  );
  const first = seatOf(admission.admit("10.0.0.1"));
  const second = seatOf(admission.admit("10.0.0.1"));
  assert.equal(tokenOf(admission.admit("10.0.0.1")), "handshakes_per_ip");
  first.handshakeEnded();
  second.handshakeEnded();
  seatOf(admission.admit("10.0.0.1")).handshakeEnded();
  seatOf(admission.admit("10.0.0.1")).handshakeEnded();
  assert.equal(tokenOf(admission.admit("10.0.0.1")), "connections_per_ip");
  seatOf(admission.admit("10.0.0.2")).handshakeEnded();
  seatOf(admission.admit("10.0.0.3"));
  assert.equal(tokenOf(admission.admit("10.0.0.4")), "connections");
  first.leave();
  first.leave();
  first.handshakeEnded();
  assert.equal(admission.connections, 5);
  assert.equal(tokenOf(admission.admit("10.0.0.4")), "admitted");
});

test("admit: whatever comes and goes in whatever order, counts come back to nothing", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          address: fc.constantFrom("10.0.0.1", "10.0.0.2", "2001:db8::1"),
          leaves: fc.nat(30),
          shakes: fc.boolean(),
        }),
        { maxLength: 60 },
      ),
      (visits) => {
        const limits = gatewayLimits({ connectionsMax: 8, connectionsPerAddressMax: 5, handshakesPerAddressMax: 3 });
        const admission = new ClientAdmission(limits);
        const seats: Seat[] = [];
        for (const { address, leaves, shakes } of visits) {
          const answer = admission.admit(address);
          if ("leave" in answer) {
            seats.push(answer);
            if (shakes) answer.handshakeEnded();
          }
          seats[leaves]?.leave();
          assert.ok(admission.connections <= 8);
        }
        for (const seat of seats) seat.leave();
        assert.equal(admission.connections, 0);
        assert.equal(admission.addresses, 0);
      },
    ),
  );
});

test("addressKey: IPv4, IPv4 mapped into IPv6, and the /64 of IPv6 however it is written", () => {
  assert.equal(addressKey("10.0.0.1"), "10.0.0.1");
  assert.equal(addressKey("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(addressKey("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(addressKey("2001:0DB8:1:2::9"), "2001:db8:1:2::/64");
  assert.equal(addressKey("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(addressKey("::1"), "0:0:0:0::/64");
  assert.equal(addressKey("1:2:3:4:5:6:7::"), "1:2:3:4::/64");
  assert.equal(addressKey("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(addressKey(""), "");
});

test("gatewayLimits: refuses unknown names and values outside their range", () => {
  assert.equal(gatewayLimits().connectionsMax, 10_000);
  assert.throws(() => gatewayLimits({ connectionsMax: 0 }), /connectionsMax must be a whole number from 1/);
  assert.throws(() => gatewayLimits({ connectionMax: 1 } as object), /no limit connectionMax/);
});
