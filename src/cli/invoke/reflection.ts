/**
 * Descriptors of a gRPC server, asked of its reflection service (gRPC, "GRPC Server Reflection Protocol",
 * grpc.reflection.v1; v1alpha has the same messages). Of the protocol's messages only four fields matter, so they are
 * written and read by their numbers.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientDuplexStream, status as GrpcStatus, type ServiceError } from "@grpc/grpc-js";
import { type Clock, sleep } from "../../base/base.ts";
import { CliError } from "../cli-error.ts";
import { completeDescriptors } from "./descriptor-files.ts";

/** Newest first; grpc-go and others serve both, older servers only the second. */
const REFLECTION_METHODS = [
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/** How long a server may take to end the call after its client did. */
const END_MAX_MS = 1000;

/** More files than this are no real server's. */
const FILES_MAX = 10_000;

/** Fields of ServerReflectionRequest. */
const Ask = { fileByFilename: 3, fileContainingSymbol: 4, listServices: 7 } as const;

interface Answer {
  readonly files: readonly Uint8Array[];
  readonly services: readonly string[];
  readonly error: string | undefined;
}

/** What a server tells of itself. */
export interface ServerDescription {
  /** Full names of its services, without the reflection service. */
  readonly services: readonly string[];
  /** The files that define them, with all that they import. */
  readonly files: readonly FileDescriptorProto[];
}

/**
 * Asks the server for its services and their files. Throws a CliError where it has no reflection, and a ServiceError
 * where the call ends with another status: then a call of any other method would, too.
 */
export async function describeServer(
  client: Client,
  clock: Clock,
  deadlineAt: number | undefined,
): Promise<ServerDescription> {
  for (const method of REFLECTION_METHODS) {
    const conversation = new Conversation(client, method, deadlineAt);
    try {
      return await readDescription(conversation);
    } catch (error) {
      if (!isUnimplementedByFunction(error)) throw error;
    } finally {
      await conversation.end(clock);
    }
  }
  throw new CliError("the function has no server reflection: name its proto file with --proto FILE");
}

/** The platform answers UNIMPLEMENTED, too, where no route leads to a function; it says so in its error type. */
function isUnimplementedByFunction(error: unknown): boolean {
  const { code, metadata } = error as Partial<ServiceError>;
  return code === GrpcStatus.UNIMPLEMENTED && metadata?.get("x-fc-error-type").length === 0;
}

async function readDescription(conversation: Conversation): Promise<ServerDescription> {
  const { services } = await conversation.ask(Ask.listServices, "*");
  const own = services.filter((name) => !name.startsWith("grpc.reflection."));
  const files = new Map<string, FileDescriptorProto>();
  const add = (answer: Answer): void => {
    for (const bytes of answer.files) {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      files.set(file.name, file);
    }
    if (files.size > FILES_MAX) throw new CliError(`the function's reflection names more than ${FILES_MAX} files`);
  };
  for (const service of own) add(await conversation.ask(Ask.fileContainingSymbol, service));
  for (;;) {
    const all = [...files.values()];
    // A server may answer with the file alone or with all that it imports.
    const missing = all.flatMap((file) => file.dependency).find((name) => !files.has(name));
    if (missing === undefined) {
      completeDescriptors(all);
      return { services: own, files: all };
    }
    add(await conversation.ask(Ask.fileByFilename, missing));
    if (!files.has(missing)) throw new CliError(`the function's reflection does not give ${missing}: use --proto FILE`);
  }
}

/** One reflection call: questions and answers in turn. */
class Conversation {
  readonly #call: ClientDuplexStream<Uint8Array, Answer>;
  readonly #answers: AsyncIterator<Answer>;
  readonly #ended: Promise<void>;

  constructor(client: Client, method: string, deadlineAt: number | undefined) {
    const write = (bytes: Uint8Array) => Buffer.from(bytes);
    const options = deadlineAt === undefined ? {} : { deadline: deadlineAt };
    this.#call = client.makeBidiStreamRequest(method, write, readAnswer, options);
    this.#ended = new Promise((resolve) => this.#call.once("status", () => resolve()));
    this.#answers = this.#call[Symbol.asyncIterator]();
  }

  async ask(field: number, value: string): Promise<Answer> {
    this.#call.write(new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish());
    const { value: answer, done } = await this.#answers.next();
    if (done) throw new CliError("the function's reflection ended without an answer: use --proto FILE");
    if (answer.error !== undefined) throw new CliError(`the function's reflection knows no ${value}: ${answer.error}`);
    return answer;
  }

  /** Ends the call in peace, so that it frees its slot before the next one comes; else cancels it. */
  async end(clock: Clock): Promise<void> {
    this.#call.on("error", () => {});
    this.#call.end();
    this.#call.resume();
    await Promise.race([this.#ended, sleep(clock, END_MAX_MS)]);
    this.#call.cancel();
  }
}

/** ServerReflectionResponse: 4 file descriptors (1 bytes), 6 services (1 message: 1 name), 7 error (2 message). */
function readAnswer(bytes: Buffer): Answer {
  const files: Uint8Array[] = [];
  const services: string[] = [];
  let error: string | undefined;
  eachField(bytes, (field, value) => {
    if (field === 4) eachField(value, (inner, file) => inner === 1 && files.push(file));
    if (field === 6) {
      eachField(value, (inner, service) => {
        if (inner === 1) eachField(service, (leaf, name) => leaf === 1 && services.push(Buffer.from(name).toString()));
      });
    }
    if (field === 7) {
      error = "unknown";
      eachField(value, (inner, message) => {
        if (inner === 2) error = Buffer.from(message).toString();
      });
    }
  });
  return { files, services, error };
}

/** Calls `visit` for every length-delimited field of a message; passes over the others. */
function eachField(bytes: Uint8Array, visit: (field: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) visit(field, reader.bytes());
    else reader.skip(wireType, field);
  }
}
