import { Struct, Value, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
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

/** A property map whose message is built when something asks for its fields, which nothing does in one process. */
class LightStruct extends Struct {
  private filled = false;

  constructor(private readonly json: Record<string, JavaScriptValue>) {
    super();
  }

  override toJavaScript(): Record<string, JavaScriptValue> {
    return this.json;
  }

  override getFieldsMap(): ReturnType<Struct["getFieldsMap"]> {
    const fields = super.getFieldsMap();
    if (!this.filled) {
      this.filled = true;
      for (const [key, value] of Object.entries(this.json)) fields.set(key, Value.fromJavaScript(value));
    }
    return fields;
  }
}

/**
 * From here on this process, the SDK in it included, builds property maps only when they are sent somewhere: building and
 * reading messages that never leave the process costs a plan more memory than anything else, and a tenth of its time.
 */
export function useLightStructs(): void {
  Struct.fromJavaScript = (json) => new LightStruct(json);
}
