import assert from "node:assert/strict";
import { test } from "node:test";
import { acmeSettings } from "./acme-settings.ts";
import type { Configuration } from "./configuration.ts";

const given: Partial<Configuration> = {
  acmeDirectoryUrl: "https://acme.example/dir",
  acmeTermsAgreed: true,
  acmeContactEmail: "",
  acmeChallenge: "http-01",
  acmeHttpHosts: ["127.0.0.1"],
  acmeHttpPort: 80,
  acmeCaFile: "",
};
const settings = (change: Partial<Configuration>) => acmeSettings({ ...given, ...change } as Configuration);

test("acmeSettings: nothing without a directory; terms have to be agreed, and the CA's file has to be there", () => {
  assert.equal(settings({ acmeDirectoryUrl: "", acmeTermsAgreed: false }), undefined);
  assert.deepEqual(settings({}), {
    directoryUrl: "https://acme.example/dir",
    contactEmail: "",
    challenge: "http-01",
    httpHosts: ["127.0.0.1"],
    httpPort: 80,
    caPem: "",
  });
  assert.throws(() => settings({ acmeTermsAgreed: false }), /read the terms .* say acmeTermsAgreed: true/);
  assert.throws(() => settings({ acmeCaFile: "/no/such/file" }), /acmeCaFile: \/no\/such\/file cannot be read/);
});
