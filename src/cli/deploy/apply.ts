import type { Client } from "../../client/client.ts";
import type { Bundle } from "./bundle.ts";

/** Creates or updates what the bundle holds, in order of dependency; says what was done with each. */
export async function applyBundle(bundle: Bundle, client: Client, done: (line: string) => void): Promise<void> {
  const { serviceName } = bundle.service;
  const { functionName } = bundle.function;
  const tell = (what: string, existed: boolean) => done(`${existed ? "Updated" : "Created"} ${what}`);

  tell(`service ${serviceName}`, await put(client.services(), serviceName, bundle.service));
  tell(
    `function ${serviceName}/${functionName}`,
    await put(client.functions(serviceName), functionName, bundle.function),
  );
  const triggers = client.triggers(serviceName, functionName);
  for (const trigger of bundle.triggers) {
    tell(`trigger ${trigger.triggerName}`, await put(triggers, trigger.triggerName, trigger));
  }
  for (const domain of bundle.customDomains) {
    tell(`custom domain ${domain.domainName}`, await put(client.customDomains(), domain.domainName, domain));
  }
}

interface Collection<Document> {
  find(name: string): Promise<Document | undefined>;
  create(document: Document): Promise<Document>;
  update(name: string, change: Partial<Document>): Promise<Document>;
}

/** Updates the document where it is there, else creates it; gives whether it was. */
async function put<Document>(collection: Collection<Document>, name: string, document: Document): Promise<boolean> {
  const existed = (await collection.find(name)) !== undefined;
  if (existed) await collection.update(name, document);
  else await collection.create(document);
  return existed;
}
