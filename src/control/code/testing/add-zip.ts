import type { CodePackages, HeldPackage } from "../code-packages.ts";

/** Has a zip received and added, as a request does. */
export async function addZip(packages: CodePackages, zip: Buffer): Promise<HeldPackage> {
  await using receiver = await packages.receive(zip.length);
  await receiver.write(zip);
  await using received = await receiver.finish();
  return await packages.add(received);
}
