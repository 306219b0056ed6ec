/** Functions that are container images, from the reference in s.yaml to the id that runs: a real engine and registry. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { startDockerDaemon } from "../../src/drivers/testing/docker-daemon.ts";
import { REGISTRY_LOGIN, Registry, registryMissing } from "../support/registry.ts";
import { runCommand, Sluice } from "../support/sluice.ts";

const docker = await startDockerDaemon();
const env = "skip" in docker ? {} : { DOCKER_HOST: docker.address };

async function stopDocker(): Promise<void> {
  if ("stop" in docker) await docker.stop();
}

describe("an image of a registry that asks for a password", {
  skip: "skip" in docker ? docker.skip : registryMissing,
}, () => {
  let folder: string;
  let registry: Registry;
  let sluice: Sluice;
  /** Of the image that the registry has, and nobody else. */
  let reference: string;
  let id: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-images-"));
    registry = await Registry.start();
    sluice = await Sluice.start({ env: { ...env, DOCKER_CONFIG: join(folder, "docker") } });
    reference = `${registry.host}/team/empty:1`;
    id = await build("1");
    await login();
    await engine("push", reference);
    await engine("rmi", reference);
    await engine("logout", registry.host);
  });

  after(async () => {
    await sluice?.stop();
    await registry?.stop();
    rmSync(folder, { recursive: true });
  });
  after(stopDocker);

  /** Docker's own command against the daemon of this test. */
  async function engine(...args: string[]): Promise<string> {
    const environment = { ...process.env, ...env, DOCKER_CONFIG: join(folder, "docker"), DOCKER_BUILDKIT: "0" };
    const { code, stdout, stderr } = await runCommand("docker", args, { env: environment });
    assert.equal(code, 0, `docker ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  function login(): Promise<string> {
    return engine("login", "--username", REGISTRY_LOGIN.userName, "--password", REGISTRY_LOGIN.password, registry.host);
  }

  /** An image of one file; gives its id. */
  async function build(content: string): Promise<string> {
    const context = join(folder, "context");
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, "file"), content);
    writeFileSync(join(context, "Dockerfile"), 'FROM scratch\nCOPY file /file\nCMD ["/file"]\n');
    await engine("build", "--tag", reference, context);
    return engine("image", "inspect", "--format", "{{.Id}}", reference);
  }

  async function deploy(image: string, registryConfig?: object) {
    const props = {
      service: { name: "images" },
      function: { name: "empty", runtime: "custom-container", customContainerConfig: { image, registryConfig } },
    };
    const file = join(folder, "s.yaml");
    writeFileSync(file, stringify({ edition: "1.0.0", services: { empty: { component: "fc", props } } }));
    return sluice.cli(["deploy", "-t", file]);
  }

  async function deployedId(): Promise<unknown> {
    return ((await sluice.info("images", "empty")) as { readonly image?: { readonly id: string } }).image?.id;
  }

  test("without credentials: the registry's words, and nothing is deployed", async () => {
    const { code, stderr } = await deploy(reference);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /customContainerConfig\.image: the image .*\/team\/empty:1 .* cannot be pulled: .*no basic auth credentials\. .*'docker login 127\.0\.0\.1:\d+' as the user of Sluice/,
    );
    assert.deepEqual(await sluice.infos(), []);
  });

  test("with wrong ones: the registry's words, and not the password", async () => {
    const authConfig = { userName: REGISTRY_LOGIN.userName, password: "wrong words" };
    const { code, stderr } = await deploy(reference, { authConfig });
    assert.equal(code, 1);
    assert.match(stderr, /cannot be pulled: .*unauthorized/);
    assert.doesNotMatch(stderr, /wrong words/);
  });

  test("with credentials it is pulled, also by the next deploy that does not know it; no trace of the password is left", async () => {
    const { userName, password } = REGISTRY_LOGIN;
    const { code, stderr } = await deploy(reference, { authConfig: { userName, password } });
    assert.equal(code, 0, stderr);
    assert.equal(await deployedId(), id);
    assert.equal(await engine("image", "inspect", "--format", "{{.Id}}", reference), id);
    const grep = await runCommand("grep", ["-rlF", password, sluice.dataDir]);
    assert.deepEqual([grep.code, grep.stdout], [1, ""], "no file of the data directory holds it");
  });

  test("what the registry does not have: its words", async () => {
    await login();
    const { code, stderr } = await deploy(`${registry.host}/team/empty:none`);
    assert.equal(code, 1);
    assert.match(stderr, /cannot be pulled: .*manifest unknown/);
    assert.equal(await deployedId(), id, "what was deployed stays");
  });

  test("the login of docker serves where s.yaml has none; the image of this machine goes before the registry's", async () => {
    await engine("rmi", reference);
    const pulled = await deploy(reference);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.equal(await deployedId(), id);
    const changed = await build("2");
    assert.notEqual(changed, id);
    assert.equal((await deploy(reference)).code, 0);
    assert.equal(await deployedId(), changed);
    await engine("logout", registry.host);
  });

  test("where the engine has gone the answer says what to do", async () => {
    await stopDocker();
    const { code, stderr } = await deploy(reference);
    assert.equal(code, 1);
    assert.match(stderr, /need a container engine, and no container engine answers at unix:.*: start Docker or Podman/);
  });
});
