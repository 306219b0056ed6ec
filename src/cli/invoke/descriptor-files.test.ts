import assert from "node:assert/strict";
import { test } from "node:test";
import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { completeDescriptors, importsFirst } from "./descriptor-files.ts";

test("completeDescriptors() gives fields their JSON names", () => {
  const file = create(FileDescriptorProtoSchema, {
    name: "b.proto",
    messageType: [
      {
        name: "M",
        field: [
          { name: "point_count", jsonName: "" },
          { name: "x", jsonName: "named" },
        ],
      },
    ],
  });
  completeDescriptors([file]);
  assert.deepEqual(
    file.messageType[0]?.field.map((each) => each.jsonName),
    ["pointCount", "named"],
  );
});

test("completeDescriptors() finds names from the innermost scope outwards, and leaves absolute ones", () => {
  const field = (name: string, typeName: string, number: number) => ({
    name,
    number,
    typeName,
    type: FieldDescriptorProto_Type.MESSAGE,
    label: FieldDescriptorProto_Label.OPTIONAL,
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "a.proto",
    package: "p.q",
    syntax: "proto3",
    messageType: [
      { name: "Point" },
      {
        name: "Outer",
        nestedType: [{ name: "Point" }],
        field: [field("inner", "Point", 1), field("other", ".p.q.Point", 2), field("far", "q.Point", 3)],
      },
    ],
    service: [{ name: "S", method: [{ name: "M", inputType: "Point", outputType: "Outer.Point" }] }],
  });
  completeDescriptors([file]);
  const names = file.messageType[1]?.field.map((each) => each.typeName);
  assert.deepEqual(names, [".p.q.Outer.Point", ".p.q.Point", ".p.q.Point"]);
  assert.equal(file.service[0]?.method[0]?.outputType, ".p.q.Outer.Point");
  const set = create(FileDescriptorProtoSchema, file);
  assert.ok(createFileRegistry(set, () => undefined).getService("p.q.S"));
});

test("importsFirst() puts a file after those that it imports and those whose types it uses", () => {
  const file = (name: string, dependency: string[], typeName = "") =>
    create(FileDescriptorProtoSchema, {
      name,
      package: name,
      dependency,
      messageType: [{ name: "M", field: typeName === "" ? [] : [{ name: "f", typeName }] }],
    });
  const files = [file("c", ["b"]), file("b", [], ".a.M"), file("a", []), file("d", ["d", "nowhere"])];
  assert.deepEqual(
    importsFirst(files).map((each) => each.name),
    ["a", "b", "c", "d"],
  );
});
