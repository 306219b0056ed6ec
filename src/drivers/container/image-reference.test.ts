import assert from "node:assert/strict";
import { test } from "node:test";
import { isImageId, parseImageReference } from "./image-reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

test("parseImageReference: what names an image, with the tag that is meant where there is none", () => {
  for (const [text, full] of [
    ["greeter", "greeter:latest"],
    ["team/greeter:1.0", "team/greeter:1.0"],
    ["localhost/greeter", "localhost/greeter:latest"],
    ["127.0.0.1:5000/greeter", "127.0.0.1:5000/greeter:latest"],
    ["registry.example.com:443/a/b__c/d-e.f:V1_x", "registry.example.com:443/a/b__c/d-e.f:V1_x"],
    ["[::1]:5000/greeter:1", "[::1]:5000/greeter:1"],
    [`greeter@${DIGEST}`, `greeter@${DIGEST}`],
    [`greeter:1@${DIGEST}`, `greeter:1@${DIGEST}`],
  ] as const) {
    assert.equal(parseImageReference(text).full, full);
  }
});

test("parseImageReference: what names none is said, before any engine sees it", () => {
  const wrong = ["", "/", "a//b", "BAD//", "Greeter", "a:b:c", "a@sha256:12", `a@${DIGEST}@${DIGEST}`, "a b", "../x"];
  for (const text of [...wrong, "a/../../b", "a?b=c", "http://host/a", "a:", `a:${"t".repeat(129)}`, "x".repeat(513)]) {
    assert.throws(() => parseImageReference(text), /does not name an image: write /, text);
  }
});

test("isImageId: a digest alone", () => {
  assert.equal(isImageId(DIGEST), true);
  for (const text of ["greeter", "sha256:12", `${DIGEST}/json`]) assert.equal(isImageId(text), false);
});
