import assert from "node:assert/strict";
import { test } from "node:test";
import { ChallengeServer } from "./challenge-server.ts";

test("ChallengeServer answers the challenges that are open, and nothing else", async () => {
  const challenges = await ChallengeServer.listen(["127.0.0.1", "192.0.2.1"], 0);
  try {
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${challenges.port}${path}`);
      return [response.status, await response.text()] as const;
    };
    challenges.put("token", "token.thumbprint");
    assert.deepEqual(await ask("/.well-known/acme-challenge/token"), [200, "token.thumbprint"]);
    for (const path of ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/other", "/token"]) {
      assert.equal((await ask(path))[0], 404, path);
    }
    challenges.delete("token");
    assert.equal((await ask("/.well-known/acme-challenge/token"))[0], 404);
    await assert.rejects(ChallengeServer.listen(["127.0.0.1"], challenges.port ?? 0), {
      message: new RegExp(`^Cannot answer ACME challenges on port ${challenges.port}: .*EADDRINUSE.*see acmeHttpPort`),
    });
  } finally {
    await challenges.close();
  }
});
