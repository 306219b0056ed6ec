import { dirname } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { load } from "@grpc/proto-loader";
import { CliError } from "../cli-error.ts";
import { completeDescriptors } from "./descriptor-files.ts";
import type { ServerDescription } from "./reflection.ts";

/** Services and descriptors of a proto file; imports are looked for beside it. Throws a CliError for one amiss. */
export async function describeProtoFile(path: string): Promise<ServerDescription> {
  const definition = await load(path, { includeDirs: [dirname(path)] }).catch((error: Error) => {
    throw new CliError(`--proto: cannot read ${path}: ${error.message}`, { cause: error });
  });
  const services: string[] = [];
  const files = new Map<string, FileDescriptorProto>();
  for (const [name, entry] of Object.entries(definition)) {
    if ("fileDescriptorProtos" in entry) addFiles(entry.fileDescriptorProtos as Buffer[]);
    if ("format" in entry) continue;
    services.push(name);
    for (const method of Object.values(entry)) addFiles(method.requestType.fileDescriptorProtos);
  }
  completeDescriptors([...files.values()]);
  return { services, files: [...files.values()] };

  function addFiles(protos: readonly Buffer[]): void {
    for (const bytes of protos) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      files.set(file.name, file);
    }
  }
}
