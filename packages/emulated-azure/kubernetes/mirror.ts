import { isTree } from "../model/paths";
import type { Stored as Resource, Tree, Value } from "../model/types";
import type { Metadata, Stored } from "./stored";

/** The object a resource of Pulumi's declares. */
export function objectOf({ id, inputs, type }: Resource): Stored {
  const at = id.indexOf("/");
  const [namespace, name] = at < 0 ? [undefined, id] : [id.slice(0, at), id.slice(at + 1)];
  const [, group = "", kind = ""] = type.split(":");
  const given = inputs["metadata"] as unknown as Partial<Metadata> | undefined;
  return {
    apiVersion: group.replace(/^core\//, ""),
    kind,
    ...structuredClone(inputs),
    metadata: { ...structuredClone(given), name, ...(namespace !== undefined && { namespace }) },
  } as unknown as Stored;
}

/** A resource as its object is now: what was declared reads as it has become, all else stands in the outputs. */
export function mirrored(stored: Resource, object: Stored): Resource {
  const now = object as unknown as Tree;
  return { ...stored, inputs: declared(stored.inputs, now), outputs: { ...stored.outputs, ...now } };
}

function declared(inputs: Tree, now: Tree): Tree {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([key, value]): [string, Value][] => {
      const is = now[key];
      if (is === undefined) return [];
      return [[key, isTree(value) && isTree(is) ? declared(value, is) : is]];
    }),
  );
}
