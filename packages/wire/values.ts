import { Tree, UNKNOWN, Value } from "./tree";

/** Where a value stands in a property tree. */
export type Path = readonly (string | number)[];

/** Plain JSON, as a protobuf Struct holds it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A property map taken off the wire: plain data beside the places that were marked secret. */
export interface Decoded {
  readonly tree: Tree;
  readonly secrets: readonly Path[];
}

/** What Pulumi's SDK sends for a value it does not know yet; the engine has one marker for each kind of value. */
export const UNKNOWN_MARKER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWN_MARKERS: ReadonlySet<unknown> = new Set([
  UNKNOWN_MARKER,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** Key that marks an object as more than plain data, and what its values mean. */
export const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Whether a value is one of the markers: numbers, texts, lists, objects, assets and archives have one each. */
export function isMarker(value: unknown): boolean {
  return UNKNOWN_MARKERS.has(value);
}

/** Takes a property map off the wire. Where it stands is one list that grows and shrinks: most values are plain. */
class Reader {
  readonly secrets: Path[] = [];
  private readonly path: (string | number)[] = [];

  read(value: Json): Value {
    if (isMarker(value)) return UNKNOWN;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item, index) => this.below(index, item));
    if (SIGNATURE_KEY in value) return this.special(value);
    return Object.fromEntries(Object.keys(value).map((key) => [key, this.below(key, value[key] as Json)]));
  }

  private below(key: string | number, value: Json): Value {
    this.path.push(key);
    const read = this.read(value);
    this.path.pop();
    return read;
  }

  private special(value: { [key: string]: Json }): Value {
    switch (value[SIGNATURE_KEY]) {
      case SECRET:
        this.secrets.push([...this.path]);
        return this.read(value["value"] ?? null);
      case OUTPUT:
        if (value["secret"] === true) this.secrets.push([...this.path]);
        return "value" in value ? this.read(value["value"] ?? null) : UNKNOWN;
      case RESOURCE:
        // A reference stands for the id of a custom resource, which a preview does not know, or for a component's URN.
        if (typeof value["id"] !== "string") return value["urn"] as string;
        return value["id"] === "" || isMarker(value["id"]) ? UNKNOWN : value["id"];
      case ASSET:
      case ARCHIVE:
        throw new Error(
          `${this.path.join(".")}: assets and archives are not emulated; pass their content as text`,
        );
      default:
        throw new Error(
          `${this.path.join(".")}: unknown kind of value ${JSON.stringify(value[SIGNATURE_KEY])}`,
        );
    }
  }
}

/**
 * Reads a property map as Pulumi sends it.
 * @throws Error for assets and archives, which the sandbox does not emulate.
 */
export function decode(json: Json | undefined): Decoded {
  const reader = new Reader();
  const tree = reader.read(json ?? {});
  return { tree: tree as Tree, secrets: reader.secrets };
}

function emit(value: Value, secrets: readonly Path[], depth: number): Json {
  if (secrets.length === 0) return plain(value, secrets, depth);
  const here = secrets.filter((path) => path.length > depth);
  const json = plain(value, here, depth);
  return here.length === secrets.length ? json : { [SIGNATURE_KEY]: SECRET, value: json };
}

function plain(value: Value, secrets: readonly Path[], depth: number): Json {
  if (value === UNKNOWN) return UNKNOWN_MARKER;
  // Most values hold no secret: nothing is looked for, and no list made, below them.
  const below = (key: string | number): readonly Path[] =>
    secrets.length === 0 ? secrets : secrets.filter((path) => path[depth] === key);
  if (Array.isArray(value)) return value.map((item: Value, i) => emit(item, below(i), depth + 1));
  if (typeof value !== "object" || value === null) return value as Json;
  const tree = value as Tree;
  return Object.fromEntries(
    Object.keys(tree)
      .filter((key) => tree[key] !== undefined)
      .map((key) => [key, emit(tree[key] as Value, below(key), depth + 1)]),
  );
}

/** Writes a property map as Pulumi expects it, with the given places marked secret and unknown values marked so. */
export function encode(tree: Tree, secrets: readonly Path[]): { [key: string]: Json } {
  return plain(
    tree,
    secrets.filter((path) => path.length > 0),
    0,
  ) as { [key: string]: Json };
}

/** Whether anything in the value is unknown. */
export function hasUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((item) => hasUnknown(item as Value));
}
