import type { Repository } from "./repository.ts";

/** A function that is reached under a qualifier, and what leads there, in words. */
export interface QualifierUser {
  readonly functionName: string;
  readonly what: string;
}

/** The triggers, routes and provision configs that have functions of a service run under this qualifier. */
export async function usersOfQualifier(
  repository: Repository,
  serviceName: string,
  qualifier: string,
): Promise<QualifierUser[]> {
  const users: QualifierUser[] = [];
  for (const { value: trigger } of await repository.list("trigger", { prefix: `${serviceName}/` })) {
    if (trigger.qualifier !== qualifier) continue;
    const { functionName, triggerName } = trigger;
    users.push({ functionName, what: `trigger '${triggerName}' of function '${functionName}'` });
  }
  for (const { value: domain } of await repository.list("customDomain")) {
    for (const route of domain.routes) {
      if (route.serviceName !== serviceName || route.qualifier !== qualifier) continue;
      const what = `path '${route.path}' of domain name '${domain.domainName}'`;
      users.push({ functionName: route.functionName, what });
    }
  }
  for (const { value: provision } of await repository.list("provisionConfig", { prefix: `${serviceName}/` })) {
    if (provision.qualifier !== qualifier) continue;
    const { functionName } = provision;
    users.push({ functionName, what: `the provision config of function '${functionName}'` });
  }
  return users;
}
