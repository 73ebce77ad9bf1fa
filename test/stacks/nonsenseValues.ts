import fs from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { z } from "zod";
import { readStackFile } from "../../stacks/files";
import { stackSchema } from "../../stacks/schema";
import { randomOf, SEED } from "../support/random";
import { LINE, ROOT, lines, replaced, type Document, type Path } from "./documents";

/** A stack file with every default written out, so that a mutation reaches all of its keys. */
function complete(stack: string): Document {
  const file = path.join(ROOT, `Pulumi.${stack}.yaml`);
  const { config } = yaml.load(fs.readFileSync(file, "utf8")) as Document;
  const values = Object.entries(readStackFile(ROOT, stack).config).map(([key, value]) => [
    `forma3d:${key}`,
    value,
  ]);
  return structuredClone({ config: { ...config, ...Object.fromEntries(values) } });
}

function schemaAt(at: Path): any {
  let here: any = stackSchema;
  for (const key of at) {
    while (!(here instanceof z.ZodObject) && !(here instanceof z.ZodArray) && here?.unwrap)
      here = here.unwrap();
    if (here instanceof z.ZodObject) here = here.shape[key];
    else if (here instanceof z.ZodArray) here = here.element;
    else return undefined;
  }
  return here;
}

const random = randomOf(SEED);
const GARBAGE = "!?{}<>\\|^~`\u0007\u2603$%&*+=;";

/** Text no key of the file has a use for. */
function garbage(): string {
  const pick = (letters: string) => letters[Math.floor(random() * letters.length)] ?? "!";
  const core = Array.from({ length: 4 + Math.floor(random() * 8) }, () => pick(GARBAGE)).join("");
  return `${pick("abcxyz0189 ")}${core}${pick("abcxyz0189 ")}`;
}

/** Text people write for people: almost anything is allowed there but length. */
const PROSE = /reason$|costCenter$|principalName$/;
/** Maps whose keys are free, or whose entries may be left out. */
const FREE_KEYS = /parameters$/;

/** Values nobody could mean in place of one. */
function* nonsense(at: Path, value: unknown): Generator<[what: string, value: unknown]> {
  const schema = schemaAt(at);
  const required = schema instanceof z.ZodType && !schema.safeParse(undefined).success;
  if (required && typeof at.at(-1) === "string") yield ["taken away", undefined];
  yield ["null", null];
  if (typeof value === "number") {
    yield ["negative", -1 - value];
    yield ["huge", 1e9];
    // Pulumi itself writes a number at the top in quotes.
    if (at.length > 1) yield ["text", `${value}`];
    yield ["no number", Number.NaN];
    let whole: any = schema;
    while (whole?.unwrap) whole = whole.unwrap();
    if (whole?.isInt !== false) yield ["a fraction", value + 0.5];
  } else if (typeof value === "string") {
    if (at[0] !== "nameSuffix" && at[0] !== "lastingNameSuffix") yield ["empty", ""];
    yield ["300 letters", "x".repeat(300)];
    yield ["a number", 7];
    yield ["true", true];
    yield ["a list of it", [value]];
    if (!PROSE.test(String(at.at(-1)))) {
      yield ["spaces around", ` ${value} `];
      yield ["two lines", `${value}\nx`];
      yield ["garbage", garbage()];
    }
  } else if (typeof value === "boolean") {
    yield ["yes", "yes"];
    yield ["one", 1];
    yield ["a list of it", [value]];
  } else if (Array.isArray(value)) {
    yield ["no list", "x"];
    yield ["a list of nothing", [null]];
    if (value.length > 0) yield ["an entry twice", [...(value as unknown[]), value[0]]];
  } else if (typeof value === "object" && value !== null) {
    yield ["a list", [1]];
    yield ["text", "x"];
    if (!FREE_KEYS.test(String(at.at(-1)))) {
      yield ["a key too many", { ...value, typo: 1 }];
      yield ["a key of the language", { ...value, ["__proto__"]: null, constructor: { x: 1 } }];
    } else yield ["an unknown parameter", { ...value, max_conections: "100" }];
  }
}

function* places(value: unknown, at: Path = []): Generator<[Path, unknown]> {
  if (at.length > 0) yield [at, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    yield* places(inner, [...at, Array.isArray(value) ? Number(key) : key]);
}

/** Values that were accepted, those of which what is said is unclear, and how many were tried. */
export interface Tried {
  accepted: string[];
  unclear: string[];
  tried: number;
}

/**
 * Puts nonsense in place of the values of a stack's file, one at a time.
 * @param share of all there is that is tried, from 0 to 1; which one is drawn
 */
export function tryNonsense(stack: string, share: number): Tried {
  const base = complete(stack);
  const found: Tried = { accepted: [], unclear: lines(stack, base), tried: 0 };
  for (const [key, section] of Object.entries(readStackFile(ROOT, stack).config)) {
    for (const [at, value] of places({ [key]: section })) {
      for (const [what, wrong] of nonsense(at, value)) {
        if (random() >= share) continue;
        found.tried++;
        const [first, ...rest] = at;
        const said = lines(stack, replaced(base, ["config", `forma3d:${String(first)}`, ...rest], wrong));
        const title = `${at.join(".")} ${what}`;
        if (said.length === 0) found.accepted.push(title);
        const about = said.some((line) => line.startsWith(`forma3d:${String(first)}`));
        if (!about || !said.every((line) => LINE.test(line)))
          found.unclear.push(`${title}: ${said.join(" / ")}`);
      }
    }
  }
  return found;
}
