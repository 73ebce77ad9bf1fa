import { applyPatch, Pointer, type Operation } from "rfc6902";
import { badRequest, invalid, StatusError } from "./status";

type Tree = Record<string, unknown>;

/** By which field of its items a list is merged, as the API's own types say; lists not named here are replaced. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  volumes: ["name"],
  env: ["name"],
  imagePullSecrets: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  ports: ["containerPort", "port"],
  conditions: ["type"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey"],
  ownerReferences: ["uid"],
};
const PRIMITIVE_MERGE = ["finalizers"];

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Applies a patch of the kind its content type names. @throws StatusError 400, 415 or 422 */
export function patched(object: object, contentType: string, patch: unknown): object {
  const copy = structuredClone(object);
  switch (contentType) {
    case "application/merge-patch+json":
      if (!isTree(patch)) throw badRequest("a merge patch is an object");
      return merge(copy as Tree, patch);
    case "application/strategic-merge-patch+json":
      if (!isTree(patch)) throw badRequest("a strategic merge patch is an object");
      return strategic(copy as Tree, patch);
    case "application/json-patch+json": {
      if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations");
      return operated(copy, patch as Operation[]);
    }
    default:
      throw new StatusError(
        415,
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json`,
      );
  }
}

/**
 * What the API server takes of one JSON patch: operations, and bytes they copy; each copy may double what the next one copies
 * (`maxJSONPatchOperations` and `JSONPatchMaxCopyBytes` of k8s.io/apiserver).
 */
const MAX_OPERATIONS = 10_000;
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

function operated(document: object, patch: readonly Operation[]): object {
  if (patch.length > MAX_OPERATIONS)
    throw new StatusError(
      413,
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  const refused = (message: string) =>
    invalid(`the server rejected our request due to an error in our request: ${message}`);
  let copied = 0;
  for (const operation of patch) {
    if (
      isTree(operation) &&
      operation.op === "copy" &&
      typeof operation.from === "string" &&
      /^(\/|$)/.test(operation.from)
    ) {
      const { value } = Pointer.fromJSON(operation.from).evaluate(document) as { value: unknown };
      copied += JSON.stringify(value)?.length ?? 0;
      if (copied > MAX_COPIED_BYTES)
        throw refused(
          `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${MAX_COPIED_BYTES}`,
        );
    }
    const [failed] = applyPatch(document, [operation]);
    if (failed) throw refused(failed.message);
  }
  return document;
}

/** RFC 7386. */
function merge(target: Tree, patch: Tree): Tree {
  const fields = fieldsOf(target);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) fields.delete(key);
    else if (isTree(value)) fields.set(key, merge(treeOf(fields, key), value));
    else fields.set(key, value);
  }
  return Object.fromEntries(fields);
}

function strategic(target: Tree, patch: Tree): Tree {
  if (patch["$patch"] === "replace") {
    const { $patch: _directive, ...rest } = patch;
    return rest;
  }
  const fields = fieldsOf(target);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) directive(fields, key, value);
    else if (value === null) fields.delete(key);
    else if (isTree(value)) {
      if (value["$patch"] === "delete") fields.delete(key);
      else fields.set(key, strategic(treeOf(fields, key), value));
    } else if (Array.isArray(value)) fields.set(key, mergeList(key, fields.get(key), value));
    else fields.set(key, value);
  }
  return Object.fromEntries(fields);
}

/** As a map, because a client may name a field "__proto__": assigned to an object it would reach every object there is. */
type Fields = Map<string, unknown>;

const fieldsOf = (tree: Tree): Fields => new Map(Object.entries(tree));

function treeOf(fields: Fields, key: string): Tree {
  const value = fields.get(key);
  return isTree(value) ? value : {};
}

function directive(fields: Fields, key: string, value: unknown): void {
  const [name, field = ""] = key.split("/");
  const list = fields.get(field);
  if (name === "$deleteFromPrimitiveList" && Array.isArray(list) && Array.isArray(value))
    fields.set(
      field,
      list.filter((item) => !value.includes(item)),
    );
  else if (name === "$retainKeys" && Array.isArray(value))
    for (const own of [...fields.keys()]) if (!value.includes(own)) fields.delete(own);
}

function mergeList(key: string, current: unknown, patch: unknown[]): unknown[] {
  const existing = Array.isArray(current) ? (current as unknown[]) : [];
  if (PRIMITIVE_MERGE.includes(key)) return [...new Set([...existing, ...patch])];
  const by = MERGE_KEYS[key]?.find((field) =>
    patch.every((item) => isTree(item) && (field in item || "$patch" in item)),
  );
  if (by === undefined) return patch;
  if (patch.some((item) => isTree(item) && item["$patch"] === "replace"))
    return patch.filter((item) => isTree(item) && item["$patch"] === undefined);
  let merged = [...existing];
  for (const item of patch as Tree[]) {
    const same = (other: unknown) => isTree(other) && other[by] === item[by];
    if (item["$patch"] === "delete") merged = merged.filter((other) => !same(other));
    else if (merged.some(same))
      merged = merged.map((other) => (same(other) ? strategic(other as Tree, item) : other));
    else merged.push(strategic({}, item));
  }
  return merged;
}
