import type { Client } from "../../client/client.ts";
import type { Bundle } from "./bundle.ts";

/** Domain name of s.yaml in place of which the platform gives one. */
const AUTO_DOMAIN = "auto";

/**
 * Creates or updates what the bundle holds, in order of dependency; says what was done with each. Gives the names of the
 * custom domains.
 */
export async function applyBundle(bundle: Bundle, client: Client, done: (line: string) => void): Promise<string[]> {
  const { serviceName } = bundle.service;
  const { functionName } = bundle.function;
  const tell = <Document>(what: string, { existed, answer }: Put<Document>): Document => {
    done(`${existed ? "Updated" : "Created"} ${what}`);
    return answer;
  };

  tell(`service ${serviceName}`, await put(client.services(), serviceName, bundle.service));
  tell(
    `function ${serviceName}/${functionName}`,
    await put(client.functions(serviceName), functionName, bundle.function),
  );
  const triggers = client.triggers(serviceName, functionName);
  for (const trigger of bundle.triggers) {
    tell(`trigger ${trigger.triggerName}`, await put(triggers, trigger.triggerName, trigger));
  }
  const domainNames: string[] = [];
  for (const domain of bundle.customDomains) {
    const isAuto = domain.domainName.toLowerCase() === AUTO_DOMAIN;
    const domainName = isAuto ? await client.autoDomain(serviceName, functionName) : domain.domainName;
    const answer = tell(
      `custom domain ${domainName}`,
      await put(client.customDomains(), domainName, { ...domain, domainName }),
    );
    for (const warning of answer.warnings ?? []) done(`  warning: ${warning}`);
    domainNames.push(domainName);
  }
  return domainNames;
}

interface Collection<Document> {
  find(name: string): Promise<Document | undefined>;
  create(document: Document): Promise<Document>;
  update(name: string, change: Partial<Document>): Promise<Document>;
}

interface Put<Document> {
  readonly existed: boolean;
  readonly answer: Document;
}

/** Updates the document where it is there, else creates it. */
async function put<Document>(
  collection: Collection<Document>,
  name: string,
  document: Document,
): Promise<Put<Document>> {
  const existed = (await collection.find(name)) !== undefined;
  const answer = existed ? await collection.update(name, document) : await collection.create(document);
  return { existed, answer };
}
