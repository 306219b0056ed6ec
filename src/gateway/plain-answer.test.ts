import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TimerWheel } from "../base/base.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { End } from "../h2/testing/pair.ts";
import { data, FrameReader, headers, PREFACE, REQUEST, SETTINGS_ACK, settings, wordsOf } from "../h2/testing/script.ts";
import { PlainAnswer } from "./plain-answer.ts";

const HEAD = "HEADERS 1 :status 415 content-type text/plain; charset=utf-8 content-length 20 x-fc-request-id r1";

/** A connection on which every request is answered so. */
function answering(method = "POST") {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock, (error) => {
    throw error;
  });
  const answer = { httpStatus: 415, message: "no", requestId: "r1", method };
  const end = new End("server", {}, (stream) => new PlainAnswer(stream, wheel, answer));
  const reader = new FrameReader();
  const read = () =>
    reader
      .push(Buffer.concat(end.flush()))
      .map(wordsOf)
      .filter((words) => !words.startsWith("WINDOW_UPDATE"));
  const send = (...frames: Buffer[]) => end.connection.receive(Buffer.concat(frames));
  send(PREFACE, settings(), SETTINGS_ACK);
  read();
  return { clock, wheel, read, send };
}

describe("PlainAnswer", () => {
  it("answers a whole request at once, and HEAD without content (RFC 9110 §9.3.2)", () => {
    const post = answering();
    post.send(headers(1, REQUEST, true));
    assert.deepEqual(post.read(), [HEAD, "DATA 1 20 end"]);
    const head = answering("HEAD");
    head.send(headers(1, REQUEST.with(1, "HEAD"), true));
    assert.deepEqual(head.read(), [`${HEAD} end`]);
  });

  it("waits for the request's end, in DATA or in trailers", () => {
    const { wheel, read, send } = answering();
    send(headers(1, REQUEST, false), data(1, 5));
    assert.deepEqual(read(), []);
    send(headers(1, ["a", "b"], true));
    assert.deepEqual(read(), [HEAD, "DATA 1 20 end"]);
    send(headers(3, REQUEST, false), data(3, 5, true));
    assert.equal(read().length, 2);
    assert.equal(wheel.armedCount, 0);
  });

  it("is not given to a request that proves malformed: that is reset", () => {
    const { wheel, read, send } = answering();
    send(headers(1, [...REQUEST, "content-length", "3"], false), data(1, 5));
    assert.deepEqual(read(), ["RST_STREAM 1 code 1"]);
    assert.equal(wheel.armedCount, 0);
  });

  it("is given after a second, or 64 KiB, to a request that does not end, and the rest is given up", () => {
    const { clock, read, send } = answering();
    send(headers(1, REQUEST, false));
    clock.advance(999);
    assert.deepEqual(read(), []);
    clock.advance(10);
    assert.deepEqual(read(), [HEAD, "DATA 1 20 end", "RST_STREAM 1 code 0"]);
    send(headers(3, REQUEST, false));
    for (let count = 0; count < 4; count++) send(data(3, 16_384));
    assert.deepEqual(read(), []);
    send(data(3, 1));
    assert.equal(read().at(-1), "RST_STREAM 3 code 0");
  });
});
