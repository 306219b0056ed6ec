import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fault } from "../model/model.ts";
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  faultTrailers,
  formatGrpcTimeout,
  isGrpcContentType,
  parseGrpcStatus,
  parseGrpcTimeout,
  statusName,
  statusOfResetCode,
  trailersOnly,
} from "./grpc.ts";

test("parseGrpcTimeout() reads every unit", () => {
  assert.equal(parseGrpcTimeout("2H"), 7_200_000);
  assert.equal(parseGrpcTimeout("3M"), 180_000);
  assert.equal(parseGrpcTimeout("4S"), 4000);
  assert.equal(parseGrpcTimeout("100m"), 100);
  assert.equal(parseGrpcTimeout("5000u"), 5);
  assert.equal(parseGrpcTimeout("1000000n"), 1);
  assert.equal(parseGrpcTimeout("0n"), 0);
});

test("parseGrpcTimeout() refuses what the specification does not allow", () => {
  for (const value of ["", "1", "S", "-1S", "1.5S", "123456789m", "1s", " 1S", "1S "]) {
    assert.equal(parseGrpcTimeout(value), undefined, value);
  }
});

test("formatGrpcTimeout() never promises more than remains, and loses at most 1 % of it", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 86_400_000 * 365, noNaN: true }), (remainingMs) => {
      const value = formatGrpcTimeout(remainingMs);
      const read = parseGrpcTimeout(value);
      assert.ok(read !== undefined, value);
      assert.ok(read <= remainingMs * (1 + 1e-9) + 1e-6, `${value} for ${remainingMs}`);
      assert.ok(read >= remainingMs * 0.99 - 1e-6, `${value} for ${remainingMs}`);
    }),
  );
});

test("grpc-message round-trips any text and is printable ASCII on the wire", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (message) => {
      const encoded = encodeGrpcMessage(message);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(decodeGrpcMessage(encoded), message);
    }),
  );
});

test("decodeGrpcMessage() leaves what is not validly encoded as it stands", () => {
  assert.equal(decodeGrpcMessage("100% sure %zz %4"), "100% sure %zz %4");
});

test("faultTrailers() carry status, message with cause and request id, and error type", () => {
  const trailers = faultTrailers(fault("FunctionTimeout", "the call ran longer than 1000 ms"), "r-1");
  assert.deepEqual(trailers, [
    "grpc-status",
    "13",
    "grpc-message",
    "server closed the stream without sending trailers: the call ran longer than 1000 ms (request id: r-1)",
    "x-fc-request-id",
    "r-1",
    "x-fc-error-type",
    "FunctionTimeout",
  ]);
  assert.deepEqual(trailersOnly(fault("RouteNotFound", "no"), "r").slice(0, 4), [
    ":status",
    "200",
    "content-type",
    "application/grpc",
  ]);
});

test("statusOfResetCode() follows the gRPC mapping", () => {
  const mapped = [0, 1, 2, 3, 7, 8, 11, 12].map(statusOfResetCode);
  assert.deepEqual(mapped, [13, 13, 13, 13, 14, 1, 8, 7]);
});

test("statusName() and parseGrpcStatus() know the codes", () => {
  assert.equal(statusName(14), "UNAVAILABLE");
  assert.equal(statusName(99), "99");
  assert.equal(parseGrpcStatus("16"), 16);
  assert.equal(parseGrpcStatus("2147483647"), 2_147_483_647);
  assert.equal(parseGrpcStatus("2147483648"), undefined);
  assert.equal(parseGrpcStatus("x"), undefined);
  assert.equal(parseGrpcStatus(""), undefined);
});

test("isGrpcContentType() accepts gRPC and its message formats alone", () => {
  for (const type of ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"]) {
    assert.equal(isGrpcContentType(type), true, type);
  }
  for (const type of ["application/grpc-web", "application/grpc-web+proto", "application/json", ""]) {
    assert.equal(isGrpcContentType(type), false, type);
  }
});
