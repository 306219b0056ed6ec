import type { Hono } from "hono";
import type { CodePackageAnswer } from "../../model/model.ts";
import { ApiError, invalid } from "../api-error.ts";
import type { CodePackages, HeldPackage } from "../code/code-packages.ts";
import { PackageError } from "../code/package-error.ts";
import type { UploadedPackages } from "../code/uploaded-packages.ts";
import type { ApiEnv } from "../http/env.ts";

const PATH = /^\/sluice\/v1\/code-packages\/[^/]+$/;

/** Whether a request's body is a zip. */
export function isZip(method: string, path: string): boolean {
  return method === "PUT" && PATH.test(path);
}

/**
 * Packages by themselves, for those that are too large for a request of a function: put under the SHA-256 of the zip,
 * then named as `code.packageId`. Both methods keep the package for an hour.
 */
export function addCodePackages(app: Hono<ApiEnv>, packages: CodePackages, uploads: UploadedPackages): void {
  const answer = (held: HeldPackage): CodePackageAnswer => {
    const { sha256, checksum, sizeBytes } = held.code;
    return { packageId: sha256, checksum, sizeBytes, expiresAt: uploads.keep(held) };
  };
  app.put("/code-packages/:packageId", async (c) => {
    const zip = c.get("zip");
    if (zip === undefined) return invalid("body: expected a zip");
    if (zip.sha256 !== c.req.param("packageId")) {
      invalid(
        `packageId: expected ${zip.sha256}, the SHA-256 of the zip, got ${c.req.param("packageId").slice(0, 64)}`,
      );
    }
    return c.json(answer(await addPlainly(packages.add(zip))));
  });
  app.get("/code-packages/:packageId", async (c) => {
    const packageId = c.req.param("packageId");
    const held = /^[0-9a-f]{64}$/.test(packageId) ? await packages.find(packageId) : undefined;
    if (held === undefined) throw new ApiError("CodePackageNotFound", `code package '${packageId}' does not exist`);
    return c.json(answer(held));
  });
}

/** What is wrong with the zip, without the field's name, which it has in other requests. */
async function addPlainly(adding: Promise<HeldPackage>): Promise<HeldPackage> {
  try {
    return await adding;
  } catch (error) {
    if (error instanceof PackageError && error.code === "invalid") {
      throw new ApiError("InvalidArgument", error.message, { cause: error });
    }
    throw error;
  }
}
