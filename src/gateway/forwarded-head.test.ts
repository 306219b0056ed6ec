import assert from "node:assert/strict";
import { test } from "node:test";
import { dropContentLength, forwardedHead, withoutReserved } from "./forwarded-head.ts";

const REQUEST = [
  ":method",
  "POST",
  ":scheme",
  "https",
  ":path",
  "/p.S/M",
  ":authority",
  "h.example",
  "te",
  "trailers",
  "content-type",
  "application/grpc",
  "grpc-timeout",
  "5S",
  "host",
  "h.example",
  "x-fc-account-id",
  "forged",
  "x-user",
  "kept",
];

test("forwardedHead() drops what the client may not say, and adds the request id", () => {
  assert.deepEqual(forwardedHead(REQUEST, "r-1", undefined), [
    ":method",
    "POST",
    ":scheme",
    "http",
    ":path",
    "/p.S/M",
    ":authority",
    "h.example",
    "te",
    "trailers",
    "content-type",
    "application/grpc",
    "grpc-timeout",
    "5S",
    "x-user",
    "kept",
    "x-fc-request-id",
    "r-1",
  ]);
});

test("forwardedHead() passes on what remains of the deadline, and never adds one", () => {
  const head = forwardedHead(REQUEST, "r-1", 1500);
  assert.equal(head[head.indexOf("grpc-timeout") + 1], "1500000u");
  const without = forwardedHead([":method", "POST"], "r-1", undefined);
  assert.equal(without.includes("grpc-timeout"), false);
});

test("withoutReserved() drops x-fc-* and leaves every other list as it is", () => {
  const clean = [":status", "200", "x-f", "1", "content-type", "application/grpc"];
  assert.equal(withoutReserved(clean), clean);
  assert.deepEqual(withoutReserved([":status", "200", "x-fc-request-id", "forged", "a", "b"]), [
    ":status",
    "200",
    "a",
    "b",
  ]);
});

test("dropContentLength() takes the field out wherever it stands, and no value that is spelled like it", () => {
  const head = [":status", "200", "content-length", "5", "a", "content-length", "content-length", "5"];
  dropContentLength(head);
  assert.deepEqual(head, [":status", "200", "a", "content-length"]);
});
