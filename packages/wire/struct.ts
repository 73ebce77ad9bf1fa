import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import type { Tree } from "./tree";
import { encode, Json, Path } from "./values";

/** The plain JSON of a property map off the wire; an absent one is empty. */
export function toJson(struct: Struct | undefined): Json {
  return (struct?.toJavaScript() as Json | undefined) ?? {};
}

/** A property map for the wire, with the given places marked secret. */
export function toStruct(tree: Tree, secrets: readonly Path[]): Struct {
  return Struct.fromJavaScript(encode(tree, secrets) as Record<string, JavaScriptValue>);
}
