import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { systemClock } from "../../base/base.ts";
import { Client } from "../../client/client.ts";
import {
  type ControlUnderTest,
  credentials,
  openControl,
  withControl,
} from "../../control/testing/control-under-test.ts";
import { send } from "../../control/testing/signed-request.ts";
import type { Delta, NewAccessKey, Snapshot } from "../../model/model.ts";
import { withPlatform } from "../testing/platform-under-test.ts";

function clientWith({ url }: ControlUnderTest, key = credentials as { accessKeyId: string; accessKeySecret: string }) {
  return new Client({ apiUrl: url, ...key }, systemClock);
}

describe("access keys", () => {
  test("a new key signs requests until it is disabled, and its secret is told once and stored by nobody", () =>
    withControl(async (underTest) => {
      const first = clientWith(underTest);
      const key = await first.createAccessKey("for CI");
      assert.match(key.accessKeyId, /^SLUICE[0-9a-f]{18}$/);
      assert.deepEqual((underTest.main.last as Delta).put, [
        { kind: "accessKey", accessKeyId: key.accessKeyId, accessKeySecret: key.accessKeySecret },
      ]);

      const second = clientWith(underTest, key);
      const listed = await second.accessKeys();
      assert.deepEqual(
        listed.map(({ accessKeyId, status, isFirst, description }) => [accessKeyId, status, isFirst, description]),
        [
          ["AK", "active", true, "of credentials.json"],
          [key.accessKeyId, "active", false, "for CI"],
        ],
      );
      assert.ok(!JSON.stringify(listed).includes(key.accessKeySecret));
      for (const file of ["state.db", "state.db-wal"]) {
        const bytes = await readFile(join(underTest.dataDir, file));
        assert.ok(!bytes.includes(key.accessKeySecret), `${file} holds the secret`);
      }

      assert.equal((await first.disableAccessKey(key.accessKeyId)).status, "disabled");
      assert.deepEqual((underTest.main.last as Delta).delete, [`accessKey/${key.accessKeyId}`]);
      await assert.rejects(second.accessKeys(), { code: "InvalidAccessKeyID" });
      await first.deleteAccessKey(key.accessKeyId);
      assert.equal((await first.accessKeys()).length, 1);
    }));

  test("the last active key cannot be disabled, and the first one can when there is another", () =>
    withControl(async (underTest) => {
      const first = clientWith(underTest);
      await assert.rejects(first.disableAccessKey("AK"), { code: "AccessKeyInUse", message: /last active/ });
      const key = await first.createAccessKey("");
      const second = clientWith(underTest, key);
      await second.disableAccessKey("AK");
      await assert.rejects(first.accessKeys(), { code: "InvalidAccessKeyID" });
      await assert.rejects(second.disableAccessKey(key.accessKeyId), { code: "AccessKeyInUse" });
      assert.deepEqual(
        (await second.accessKeys()).map(({ status }) => status),
        ["disabled", "active"],
      );
    }));

  test("what is active cannot be deleted, nor the first key ever; what is not there is said so", () =>
    withControl(async (underTest) => {
      const client = clientWith(underTest);
      const key = await client.createAccessKey("");
      await assert.rejects(client.deleteAccessKey(key.accessKeyId), { code: "AccessKeyInUse", message: /disable it/ });
      await assert.rejects(client.deleteAccessKey("AK"), { code: "AccessKeyInUse", message: /credentials\.json/ });
      await assert.rejects(client.disableAccessKey("none"), { code: "AccessKeyNotFound", status: 404 });
      await assert.rejects(client.deleteAccessKey("none"), { code: "AccessKeyNotFound" });
      const tooLong = {
        method: "POST",
        path: "/sluice/v1/keys",
        body: JSON.stringify({ description: "x".repeat(257) }),
      };
      assert.equal((await send(underTest.control.apiPort, tooLong)).json()["Code"], "InvalidArgument");
    }));

  test("there are at most a hundred", () =>
    withControl(async (underTest) => {
      const client = clientWith(underTest);
      for (let count = 0; count < 100; count++) await client.createAccessKey("");
      await assert.rejects(client.createAccessKey(""), { code: "LimitExceededError", message: /100 access keys/ });
    }));

  test("they outlive a restart; without the vault's key they are unreadable, and nothing else is", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "sluice-keys-"));
    try {
      let key: NewAccessKey | undefined;
      {
        const underTest = await openControl(dataDir);
        key = await clientWith(underTest).createAccessKey("");
        await underTest.control.close();
      }
      {
        const underTest = await openControl(dataDir);
        const entries = (underTest.main.received[0] as Snapshot).entries.filter(({ kind }) => kind === "accessKey");
        assert.equal(entries.length, 2);
        await clientWith(underTest, key).accessKeys();
        await underTest.control.close();
      }
      await rm(join(dataDir, "registry-credentials.key"));
      const underTest = await openControl(dataDir);
      await assert.rejects(clientWith(underTest, key).accessKeys(), { code: "InvalidAccessKeyID" });
      const client = clientWith(underTest);
      assert.equal((await client.accessKeys())[1]?.status, "unreadable");
      await client.disableAccessKey(key.accessKeyId);
      await client.deleteAccessKey(key.accessKeyId);
      await underTest.control.close();
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});

test("sluice keys creates, lists, disables and deletes, and says what it is used for wrongly", () =>
  withPlatform(async ({ run }) => {
    const created = await run(["keys", "create", "--description", "for CI"]);
    const [, id = ""] = /access key id: +(\S+)/.exec(created.stdout) ?? [];
    const [, secret = ""] = /access key secret: (\S+)/.exec(created.stdout) ?? [];
    const own = { env: { SLUICE_ACCESS_KEY_ID: id, SLUICE_ACCESS_KEY_SECRET: secret } };
    const listed = await run(["keys", "list"], own);
    assert.match(listed.stdout, new RegExp(`AK +active +of credentials\\.json\n${id} +active +20.* +for CI`));
    assert.equal((await run(["keys", "disable", id])).code, 0);
    const refused = await run(["keys", "list"], own);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^sluice: .*invalid access key ID .*disabled.*\n$/);
    assert.equal((await run(["keys", "delete", id])).code, 0);
    assert.equal(JSON.parse((await run(["keys", "list", "--json"])).stdout).keys.length, 1);
    for (const args of [["rotate"], ["disable"], ["list", id], ["disable", id, "--description", "x"]]) {
      assert.equal((await run(["keys", ...args])).code, 2, args.join(" "));
    }
  }));

test("sluice audit shows who changed what, with the key that did", () =>
  withPlatform(async ({ run, sdk }) => {
    await run(["keys", "create"]);
    await assert.rejects(sdk.deleteService("none"));
    const shown = await run(["audit"]);
    assert.match(shown.stdout, /20\S+Z +AK +CreateAccessKey +200 +accessKey SLUICE\w+ +[0-9a-f-]{36}\n/);
    assert.match(shown.stdout, / DeleteService +ServiceNotFound +\/2021-04-06\/services\/none /);
    const { records } = JSON.parse((await run(["audit", "-n", "1", "--json"])).stdout);
    assert.deepEqual([records.length, records[0].operation], [1, "DeleteService"]);
  }));
