import type { Client } from "pg";
import type { Finding } from "../ladder";
import type { LeftOut } from "../leaveOut";
import type { Inventory } from "../types";
import { countByKind, digestObjects, readInventory, readObjects } from "./inventory";
import { isAzureExtension } from "./pgRestore";

/** What a constraint or an index that is left out may be counted as; a dump does not say which of them it is. */
const KEEP_ROWS_RIGHT = /^(primary key|(unique|exclusion) constraint|foreign key|(partitioned )?index)$/;

/** Compares how many objects of each kind there are, and their names. */
export async function compareObjects(
  client: Client,
  inventory: Inventory,
  leftOut: readonly LeftOut[] = [],
): Promise<Finding> {
  const omitted = countByKind(leftOut.map(({ kind, name }) => ({ kind: kind.replaceAll("-", " "), name })));
  const wanted = (kind: string) => (inventory.objects[kind] ?? 0) - (omitted[kind] ?? 0);
  const keys = leftOut.filter(({ kind }) => /(^|-)(constraint|index)\b/.test(kind)).length;
  const isRight = (kind: string, found: number) => {
    const all = inventory.objects[kind] ?? 0;
    return keys > 0 && KEEP_ROWS_RIGHT.test(kind)
      ? found <= all && found >= all - keys
      : found === wanted(kind);
  };
  const objects = await readObjects(client);
  const counts = countByKind(objects);
  const kinds = [...new Set([...Object.keys(inventory.objects), ...Object.keys(counts)])].sort();
  const total = Object.values(inventory.objects).reduce((sum, count) => sum + count, 0);
  const expected = `${total} objects of ${Object.keys(inventory.objects).length} kinds`;
  const differences = kinds
    .filter((kind) => !isRight(kind, counts[kind] ?? 0))
    .map((kind) => `${kind}: ${wanted(kind)} expected, ${counts[kind] ?? 0} found`);
  if (differences.length > 0) return { match: false, expected, actual: differences.join("; ") };
  if (leftOut.length > 0) {
    const actual = `${expected}, but for ${leftOut.length} that were left out; names were not compared`;
    return { match: true, expected, actual };
  }
  const sameNames = digestObjects(objects) === inventory.objectsSha256;
  return {
    match: sameNames,
    expected,
    actual: sameNames ? expected : `${expected}, but some have other names`,
  };
}

/**
 * Compares the extensions by name. Versions may differ, because a restore installs what the server brings; the
 * report shows both.
 */
export async function compareExtensions(
  client: Client,
  inventory: Inventory,
  leftOut: readonly LeftOut[] = [],
): Promise<Finding> {
  const omitted = new Set(leftOut.filter(({ kind }) => kind === "extension").map(({ name }) => name));
  const present = new Map(
    (await readInventory(client)).extensions.map((extension) => [extension.name, extension]),
  );
  const wanted = inventory.extensions.filter(({ name }) => !isAzureExtension(name) && !omitted.has(name));
  const missing = wanted.filter(({ name }) => !present.has(name)).map(({ name }) => name);
  const list = (extensions: readonly { name: string; version: string }[]) =>
    extensions.map(({ name, version }) => `${name} ${version}`).join(", ") || "none";
  const found = wanted.flatMap(({ name }) => present.get(name) ?? []);
  return {
    match: missing.length === 0,
    expected: list(wanted),
    actual: missing.length > 0 ? `missing: ${missing.join(", ")}` : list(found),
  };
}
