import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Clock } from "../../base/base.ts";
import { systemClock } from "../../base/base.ts";
import { crc64 } from "../code/crc64.ts";
import { fc, withControl } from "../testing/control-under-test.ts";
import { codeOf, createFunction, publish, zipOf } from "../testing/samples.ts";
import { send } from "../testing/signed-request.ts";

const CODE = "/2021-04-06/services/svc/functions/fn/code";

describe("GetFunctionCode", () => {
  test("gives a link that needs no key and leads to the zip as it was uploaded, of each version", () =>
    withControl(async (underTest) => {
      const { sdk, url } = underTest;
      await createFunction(underTest);
      await publish(underTest);
      await sdk.updateFunction("svc", "fn", new fc.UpdateFunctionRequest({ code: codeOf("second") }));
      for (const [qualifier, content] of [
        ["1", undefined],
        ["LATEST", "second"],
      ] as const) {
        const { body } = await sdk.getFunctionCode("svc", "fn", new fc.GetFunctionCodeRequest({ qualifier }));
        const zip = Buffer.from(zipOf(content), "base64");
        assert.equal(body.checksum, crc64(zip));
        assert.ok(body.url?.startsWith(`${url}/code/`), body.url);
        const answer = await fetch(body.url ?? "");
        assert.equal(answer.headers.get("content-type"), "application/zip");
        assert.equal(answer.headers.get("content-length"), String(zip.length));
        assert.ok(zip.equals(Buffer.from(await answer.arrayBuffer())));
      }
    }));

  test("the link has a port where the Host header has none, as fc2 sends it", () =>
    withControl(async (underTest) => {
      const { control, url } = underTest;
      await createFunction(underTest);
      const answer = await send(control.apiPort, { path: CODE, host: "127.0.0.1" });
      assert.ok(String(answer.json()["url"]).startsWith(`${url}/code/`), answer.text);
    }));

  test("a link ends after ten minutes, leads to its package alone, and cannot be made up", () => {
    let aheadMs = 0;
    const clock: Clock = {
      nowMs: () => systemClock.nowMs(),
      wakeAfter: (delayMs, wake) => systemClock.wakeAfter(delayMs, wake),
      epochMs: () => systemClock.epochMs() + aheadMs,
    };
    return withControl(
      async (underTest) => {
        await createFunction(underTest);
        const { body } = await underTest.sdk.getFunctionCode("svc", "fn", new fc.GetFunctionCodeRequest({}));
        const link = body.url ?? "";
        const refused = async (changed: string) => {
          const answer = await fetch(changed);
          const told = (await answer.json()) as Record<string, string>;
          assert.equal(answer.status, 403, changed);
          assert.equal(told["Code"], "AccessDenied");
          return told["Message"];
        };
        assert.match(
          (await refused(link.replace(/expires=\d/, "expires=9"))) ?? "",
          /is not one that this Sluice has given/,
        );
        await refused(link.replace(/.$/, (last) => (last === "0" ? "1" : "0")));
        await refused(link.replace(/code\/[0-9a-f]{4}/, "code/0123"));
        await refused(link.replace(/\?.*/, ""));
        aheadMs = 10 * 60 * 1000 + 1000;
        assert.match((await refused(link)) ?? "", /has expired/);
        const other = await fetch(`${underTest.url}/code/state.db`);
        assert.equal(((await other.json()) as Record<string, string>)["Code"], "PathNotSupported");
      },
      { clock },
    );
  });

  test("a function that is an image has no package", () =>
    withControl(async (underTest) => {
      const { sdk } = underTest;
      underTest.images.ids.set("example/app:1", `sha256:${"1".repeat(64)}`);
      const customContainerConfig = new fc.CustomContainerConfig({ image: "example/app:1" });
      await createFunction(underTest, { runtime: "custom-container", code: undefined, customContainerConfig });
      await assert.rejects(sdk.getFunctionCode("svc", "fn", new fc.GetFunctionCodeRequest({})), {
        code: "InvalidArgument",
        message: /'fn', which is an image/,
      });
    }));
});
