import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { z } from "zod";
import { messageOf, UsageError } from "../../../packages/command/errors";
import { wordsOf } from "../postgres/statements";
import type { Manifest } from "../types";
import { personalKind } from "./catalogue";
import { MASKS, type Mask, type MaskKind } from "./masks";

const KINDS = Object.keys(MASKS) as [MaskKind, ...MaskKind[]];
const rule = z
  .union([
    z.enum(KINDS).transform((mask) => ({ mask, value: undefined })),
    z.strictObject({ mask: z.enum(KINDS), value: z.string().optional() }),
  ])
  .refine(
    ({ mask, value }) => (mask === "constant") === (value !== undefined),
    "value goes with constant alone",
  );
const schema = z.strictObject({
  /** By `schema.table.column`, each name as PostgreSQL keeps it, without quotes. */
  columns: z.record(z.string().regex(/^[^.]+\.[^.]+\.[^]+$/, "schema.table.column"), rule).default({}),
  /** What becomes of large objects, whose content nobody can know. */
  largeObjects: z.enum(["keep", "drop"]).optional(),
});

/** Rules of a masked copy: what becomes of which column. */
export interface MaskRules {
  columns: ReadonlyMap<string, Mask>;
  largeObjects?: "keep" | "drop";
}

/** @throws UsageError naming the file and what is wrong in it */
export function loadMaskRules(file: string): MaskRules {
  let document: unknown;
  try {
    document = load(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--mask ${file}: ${messageOf(error)}`);
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) {
    throw new UsageError(
      parsed.error.issues.map(
        ({ path, code, message }) =>
          `--mask ${file}: ${path.join(".") || "rules"}: ` +
          (code === "invalid_union" || code === "invalid_value"
            ? `expected a mask (${KINDS.join(", ")}) or { mask, value }`
            : message),
      ),
    );
  }
  const { columns, largeObjects } = parsed.data;
  return {
    columns: new Map(
      Object.entries(columns).map(([name, { mask, value }]) => [
        name,
        { kind: mask, ...(value === undefined ? {} : { value }) },
      ]),
    ),
    ...(largeObjects === undefined ? {} : { largeObjects }),
  };
}

/** Name of a table as rules give it, and its columns in the order of a dump. */
export function columnsOf(copy: string): { table: string; columns: string[] } {
  const [, target = "", list = ""] =
    /^COPY ((?:"(?:[^"]|"")*"|[^\s."(])+\.(?:"(?:[^"]|"")*"|[^\s."(])+) ?(?:\((.*)\))? (?:TO|FROM)/s.exec(
      copy,
    ) ?? [];
  const names = (text: string) => wordsOf(text.replaceAll(".", ",")).map(({ text: name }) => name);
  const columns = wordsOf(list).map(({ text }) => text);
  return { table: /"/.test(target) ? quotedNames(target).join(".") : names(target).join("."), columns };
}

const quotedNames = (target: string) =>
  [...target.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "") : quoted.replaceAll('""', '"'),
  );

/**
 * Compares rules with the columns of a backup, before anything of it is fetched.
 * @throws UsageError naming columns that look personal and have no rule, rules for columns that are not there, and constants
 * that the backup's encoding may not have
 */
export function checkRules(rules: MaskRules, { tables, largeObjects, server }: Manifest): void {
  const problems: string[] = [];
  const known = new Set<string>();
  for (const { copy } of tables) {
    const { table, columns } = columnsOf(copy);
    for (const column of columns) {
      const name = `${table}.${column}`;
      known.add(name);
      const kind = personalKind(column);
      if (kind !== undefined && !rules.columns.has(name))
        problems.push(`column ${name} looks like ${kind} and has no rule`);
    }
  }
  for (const [name, { value = "" }] of rules.columns) {
    if (!known.has(name)) problems.push(`the rules name column ${name}, which the backup does not have`);
    if (server.encoding !== "UTF8" && !isAscii(value))
      problems.push(
        `the value for column ${name} is not ASCII, and the database has encoding ${server.encoding}`,
      );
  }
  if (largeObjects.count > 0 && rules.largeObjects === undefined)
    problems.push(`the backup has ${largeObjects.count} large objects; largeObjects: keep or drop`);
  if (problems.length > 0)
    throw new UsageError([...problems.map((problem) => `--mask: ${problem}`), "nothing was done"]);
}

const isAscii = (text: string) => Buffer.byteLength(text) === text.length;

/** What became of which column, for the result. */
export const describeRules = ({ columns }: MaskRules): { column: string; mask: string }[] =>
  [...columns]
    .filter(([, { kind }]) => kind !== "keep")
    .map(([column, { kind }]) => ({ column, mask: kind }));
