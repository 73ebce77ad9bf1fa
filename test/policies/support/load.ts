import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./names";
import type { Innocent, Vector } from "./vectors";

function load<T extends { id: string }>(prefix: string): T[] {
  return (
    fs
      .readdirSync(path.join(ROOT, "test/policies/fixtures"))
      .filter((file) => file.startsWith(prefix))
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- one file per fixture, found by its name
      .map((file) => (require(`../fixtures/${file}`) as { default: T }).default)
      .sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))
  );
}

/** Every way to reach production, by number. */
export const vectors = load<Vector>("V");
/** Every honest program that must stay silent, by number. */
export const innocents = load<Innocent>("N");
