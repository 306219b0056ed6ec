import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { crc64 } from "../code/crc64.ts";
import { rawZip } from "../code/testing/raw-zip.ts";
import { type ControlUnderTest, withControl } from "../testing/control-under-test.ts";
import { open, send } from "../testing/signed-request.ts";

const zip = rawZip([{ name: "bootstrap", content: "#!/bin/sh\n", mode: 0o100755 }]);
const id = createHash("sha256").update(zip).digest("hex");

function put({ control }: ControlUnderTest, body: Buffer, packageId = createHash("sha256").update(body).digest("hex")) {
  return send(control.apiPort, { method: "PUT", path: `/sluice/v1/code-packages/${packageId}`, body });
}

async function createNaming({ control }: ControlUnderTest, code: object) {
  await send(control.apiPort, { method: "POST", path: "/2021-04-06/services", body: '{"serviceName":"svc"}' });
  const body = JSON.stringify({ functionName: "fn", runtime: "custom", code });
  return send(control.apiPort, { method: "POST", path: "/2021-04-06/services/svc/functions", body });
}

const filesOf = async ({ dataDir }: ControlUnderTest) => (await readdir(join(dataDir, "code"))).sort();

describe("/sluice/v1/code-packages", () => {
  test("a package that was put is found, and a function may name it", () =>
    withControl(async (underTest) => {
      const path = `/sluice/v1/code-packages/${id}`;
      assert.equal((await send(underTest.control.apiPort, { path })).json()["Code"], "CodePackageNotFound");
      const answer = await put(underTest, zip);
      assert.equal(answer.status, 200, answer.text);
      const { expiresAt, ...facts } = answer.json();
      assert.deepEqual(facts, { packageId: id, checksum: crc64(zip), sizeBytes: zip.length });
      assert.ok(Math.abs(Number(expiresAt) - Date.now() - 3_600_000) < 60_000);
      const { expiresAt: _later, ...found } = (await send(underTest.control.apiPort, { path })).json();
      assert.deepEqual(found, facts);
      assert.deepEqual(await filesOf(underTest), [id, `${id}.zip`]);
      const created = (await createNaming(underTest, { packageId: id })).json();
      assert.equal(created["codeChecksum"], crc64(zip));
      assert.equal(created["codeSize"], zip.length);
    }));

  const refused: [what: string, body: Buffer, id: string | undefined, message: RegExp][] = [
    [
      "another id than the zip's hash",
      zip,
      "0".repeat(64),
      /^packageId: expected [0-9a-f]{64}, the SHA-256 of the zip/,
    ],
    ["what is no zip", Buffer.from("no zip at all, not even nearly"), undefined, /^The zip cannot be read/],
    ["nothing", Buffer.alloc(0), undefined, /^The zip cannot be read/],
  ];
  for (const [what, body, packageId, message] of refused) {
    test(`refuses ${what}, and keeps nothing`, () =>
      withControl(async (underTest) => {
        const answer = await put(underTest, body, packageId);
        assert.equal(answer.status, 400);
        assert.match(String(answer.json()["Message"]), message);
        assert.deepEqual(await filesOf(underTest), []);
      }));
  }

  test("a function that names no package, or a package beside a zip, is refused by field", () =>
    withControl(async (underTest) => {
      const cases: [code: object, message: RegExp][] = [
        [{ packageId: id }, /^code\.packageId: there is no package [0-9a-f]{64} \(any more\): upload it again/],
        [{ packageId: "x" }, /^code\.packageId: expected the id that the upload of a package answered, got "x"/],
        [{ packageId: id, zipFile: zip.toString("base64") }, /^code\.zipFile: .*or packageId in its place/],
      ];
      for (const [code, message] of cases) {
        assert.match(String((await createNaming(underTest, code)).json()["Message"]), message);
      }
    }));

  test("a wrong signature is refused before a byte of the body is asked for", () =>
    withControl(async (underTest) => {
      const path = `/sluice/v1/code-packages/${id}`;
      const { port } = new URL(underTest.url);
      const headers = { expect: "100-continue", "content-length": String(400 * 1024 ** 2), host: `127.0.0.1:${port}` };
      const outgoing = request({ host: "127.0.0.1", port, method: "PUT", path, headers, agent: false });
      outgoing.flushHeaders();
      let wasAsked = false;
      outgoing.on("continue", () => {
        wasAsked = true;
      });
      const status = await new Promise((resolve) => outgoing.on("response", (answer) => resolve(answer.statusCode)));
      outgoing.on("error", () => undefined).destroy();
      assert.deepEqual([status, wasAsked], [400, false]);
    }));

  test("a client that asks is told to go on", () =>
    withControl(async ({ control }) => {
      const path = `/sluice/v1/code-packages/${id}`;
      const answer = await open(control.apiPort, {
        method: "PUT",
        path,
        body: zip,
        headers: { expect: "100-continue" },
      });
      answer.resume();
      assert.equal(answer.statusCode, 200);
    }));

  test("what no function names goes with one of the sweeps after its hour", async () => {
    const clock = new FakeClock();
    await withControl(
      async (underTest) => {
        const { control } = underTest;
        const path = `/sluice/v1/code-packages/${id}`;
        await send(control.apiPort, { method: "PUT", path, body: zip, date: new Date(clock.epochMs()) });
        // A sweep is over when the wake-up for the next one is there again.
        const passHour = async (wakeUps: number) => {
          clock.advance(3_600_000);
          while (clock.pendingCount < wakeUps) await new Promise((resolve) => setImmediate(resolve));
        };
        const wakeUps = clock.pendingCount;
        await passHour(wakeUps - 1);
        assert.equal((await filesOf(underTest)).length, 2);
        for (let hour = 0; hour < 2; hour += 1) await passHour(wakeUps - 1);
        assert.deepEqual(await filesOf(underTest), []);
      },
      { clock },
    );
  });
});
