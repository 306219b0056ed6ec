import { create, createFileRegistry, type DescMethod, type Registry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { CliError } from "../cli-error.ts";
import { nearMatch } from "../s-yaml/near-match.ts";
import { importsFirst } from "./descriptor-files.ts";
import type { ServerDescription } from "./reflection.ts";

/** A method and the types that its messages may name. */
export interface FoundMethod {
  readonly method: DescMethod;
  readonly registry: Registry;
}

/**
 * The method that `name` means: `package.Service/Method` or `package.Service.Method`, with or without package, or the
 * method alone where no other service has one of that name. Throws a CliError that lists what there is.
 */
export function findMethod(name: string, description: ServerDescription): FoundMethod {
  const set = create(FileDescriptorSetSchema, { file: importsFirst(description.files) });
  const registry = createFileRegistry(set);
  const methods = description.services.flatMap((service) => registry.getService(service)?.methods ?? []);
  const wanted = name.replace(/^\//, "").replace("/", ".");
  const found = methods.filter((method) => `.${fullName(method)}`.endsWith(`.${wanted}`));
  const [method] = found;
  if (method !== undefined && found.length === 1) return { method, registry };
  const names = methods.map((each) => pathOf(each).slice(1));
  if (found.length > 1) {
    throw new CliError(
      `${name} is a method of several services: say ${found.map((each) => pathOf(each).slice(1)).join(" or ")}`,
    );
  }
  const meant = nearMatch(name, [...names, ...methods.map((each) => each.name)]);
  const hint = meant === undefined ? `it has ${names.join(", ") || "none"}` : `did you mean ${meant}?`;
  throw new CliError(`the function has no method ${name}: ${hint}`);
}

/** The path of a call: `/package.Service/Method`. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function fullName(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}
