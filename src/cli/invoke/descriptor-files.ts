/**
 * Putting files of descriptors into the form in which they can be linked: names written out, every file after those
 * that it needs. Descriptors that protoc made are so from the start; those that protobufjs makes of a proto file (here
 * for --proto, and in the reflection of Node.js servers) lack names and lists of imports.
 */
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import type { DescriptorProto, FieldDescriptorProto, FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/** Full names, each with a leading dot, of the messages and enums that a file defines. */
function typesDefinedIn(file: FileDescriptorProto): string[] {
  const within = (message: DescriptorProto, scope: string): string[] => {
    const name = `${scope}.${message.name}`;
    const enums = message.enumType.map((each) => `${name}.${each.name}`);
    return [name, ...enums, ...message.nestedType.flatMap((nested) => within(nested, name))];
  };
  const scope = scopeOf(file);
  const enums = file.enumType.map((each) => `${scope}.${each.name}`);
  return [...enums, ...file.messageType.flatMap((message) => within(message, scope))];
}

/** Every field and extension of a file with the scope in which its type's name is looked up. */
function fieldsOf(file: FileDescriptorProto): { field: FieldDescriptorProto; scope: string }[] {
  const within = (message: DescriptorProto, outer: string): { field: FieldDescriptorProto; scope: string }[] => {
    const scope = `${outer}.${message.name}`;
    const own = [...message.field, ...message.extension].map((field) => ({ field, scope }));
    return [...own, ...message.nestedType.flatMap((nested) => within(nested, scope))];
  };
  const scope = scopeOf(file);
  return [
    ...file.extension.map((field) => ({ field, scope })),
    ...file.messageType.flatMap((message) => within(message, scope)),
  ];
}

function methodsOf(file: FileDescriptorProto) {
  return file.service.flatMap((service) => service.method);
}

function scopeOf(file: FileDescriptorProto): string {
  return file.package === "" ? "" : `.${file.package}`;
}

/** Full names of the types that a file's fields and methods use. */
function typesUsedIn(file: FileDescriptorProto): string[] {
  const names = fieldsOf(file).flatMap(({ field }) => [field.typeName, field.extendee]);
  return [...names, ...methodsOf(file).flatMap((method) => [method.inputType, method.outputType])].filter(Boolean);
}

/** The files with each after those whose types it uses or that it imports. */
export function importsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const byType = new Map(files.flatMap((file) => typesDefinedIn(file).map((name) => [name, file] as const)));
  const sorted = new Set<FileDescriptorProto>();
  const visited = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto | undefined): void => {
    if (file === undefined || visited.has(file)) return;
    visited.add(file);
    for (const name of file.dependency) visit(byName.get(name));
    for (const name of typesUsedIn(file)) visit(byType.get(name));
    sorted.add(file);
  };
  files.forEach(visit);
  return [...sorted];
}

/**
 * Does what protoc does after parsing: writes out in full, `.package.Message`, the names of types that stand there
 * relative to where they are used (Protocol Buffers Language Specification, "Packages and Name Resolution"), and gives
 * fields their JSON names. A name that is
 * nowhere stays. Changes the files; those that are complete stay as they are.
 */
export function completeDescriptors(files: readonly FileDescriptorProto[]): void {
  const known = new Set(files.flatMap(typesDefinedIn));
  const inFull = (name: string, scope: string): string => {
    if (name === "" || name.startsWith(".")) return name;
    for (let outer = scope; ; outer = outer.slice(0, outer.lastIndexOf("."))) {
      if (known.has(`${outer}.${name}`)) return `${outer}.${name}`;
      if (outer === "") return name;
    }
  };
  for (const file of files) {
    for (const { field, scope } of fieldsOf(file)) {
      field.typeName = inFull(field.typeName, scope);
      field.extendee = inFull(field.extendee, scope);
      if (field.jsonName === "") field.jsonName = protoCamelCase(field.name);
    }
    for (const method of methodsOf(file)) {
      method.inputType = inFull(method.inputType, scopeOf(file));
      method.outputType = inFull(method.outputType, scopeOf(file));
    }
  }
}
