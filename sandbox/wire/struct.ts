import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import type { Tree } from "../model/types";
import { encode, Json, Path } from "./values";

/** The plain JSON of a property map off the wire; an absent one is empty. */
export function toJson(struct: Struct | undefined): Json {
  return (struct?.toJavaScript() as Json | undefined) ?? {};
}

/** A property map for the wire, with the given places marked secret. */
export function toStruct(tree: Tree, secrets: readonly Path[]): Struct {
  return Struct.fromJavaScript(encode(tree, secrets) as Record<string, JavaScriptValue>);
}

/**
 * The same for a reader in this process, which only asks for the plain value: building the message costs a plan more
 * memory than anything else.
 */
export function lightStruct(tree: Tree, secrets: readonly Path[]): Struct {
  const json = encode(tree, secrets);
  return { toJavaScript: () => json } as unknown as Struct;
}
