import fs from "node:fs";
import path from "node:path";
import type { Innocent, Vector } from "./vectors";

const FOLDER = path.resolve(__dirname, "../fixtures");

function load<T>(prefix: string): T[] {
  return fs
    .readdirSync(FOLDER)
    .filter((file) => file.startsWith(prefix))
    .map((file) => (require(path.join(FOLDER, file)) as { default: T }).default)
    .sort((a, b) => number(a) - number(b));
}

const number = (fixture: unknown): number => Number((fixture as { id: string }).id.slice(1));

/** Every way to reach production, by number. */
export const vectors = load<Vector>("V");
/** Every honest program that must stay silent, by number. */
export const innocents = load<Innocent>("N");
