import type { Client } from "pg";
import type { ArchiveFile } from "../archiveFile";
import { FailedError } from "../../../packages/command/errors";
import type { OwnershipPlan } from "../ownership";
import { TablesComparer, type TablesComparison } from "../postgres/compare";
import { loadRows } from "../postgres/copyIn";
import { quoteIdentifier } from "../postgres/connect";
import { makeNullable } from "../postgres/nullable";
import { scriptOf, type RestoreProgram } from "../postgres/pgRestore";
import { searchPathOf } from "../postgres/properties";
import { isTooEarly } from "../postgres/earlyRows";
import { giveRights } from "../postgres/rights";
import { sequenceValue, type TocEntry } from "../postgres/toc";
import type { Manifest } from "../types";
import type { RowsBefore } from "./before";
import {
  attempt,
  foreignKeys,
  liftPolicies,
  lockTables,
  looseChecks,
  requireSameShape,
  runAll,
  silenceTriggers,
  takeRights,
  type LooseCheck,
} from "./live";
import { sqlName, type Parts } from "./parts";

export interface Replacement {
  archive: ArchiveFile;
  /** Of the part that is restored. */
  manifest: Manifest;
  parts: Parts;
  /** Rows and positions of sequences, of everything that is restored. */
  data: readonly TocEntry[];
  sequences: readonly TocEntry[];
  plan: OwnershipPlan;
  program: RestoreProgram;
  /** Lines of the archive's list by number of the entry. */
  lines: ReadonlyMap<number, string>;
  /** Roles whose member who works becomes for as long as that takes. */
  borrowed: readonly string[];
  /** Session of the restoring role, who may see what others do. */
  asking: Client;
  note: (message: string) => void;
}

/**
 * Puts rows of a backup in the place of those that tables hold, in one transaction: whatever ends the run before its last
 * statement, the database is as it was. Foreign keys are taken away first and made again at the end, by which the server
 * checks every row; the rows are compared with the backup before anybody else can see them.
 * @param client session of who owns the tables, or acts for those who do
 * @param before where the rows that are replaced are kept; undefined where no table is there
 * @throws FailedError naming every reference that would break, columns that would be lost, or who uses the tables
 */
export async function replaceRows(
  client: Client,
  replacement: Replacement,
  before: RowsBefore | undefined,
): Promise<TablesComparison> {
  const { manifest, parts, data, plan, program, lines, borrowed, asking, note } = replacement;
  const { existing, fresh } = parts;
  const lineOf = (entries: readonly TocEntry[]) => entries.flatMap(({ dumpId }) => lines.get(dumpId) ?? []);
  const preData = await scriptOf(program, "pre-data", lineOf(fresh));
  const postData = await scriptOf(program, "post-data", lineOf(fresh));
  const keys = await Promise.all(
    parts.keys.map(async (entry) => ({ entry, sql: await scriptOf(program, "post-data", lineOf([entry])) })),
  );
  const foreign = await foreignKeys(client, existing);
  const roles = (verb: "GRANT" | "REVOKE") =>
    borrowed.map(
      (role) => `${verb} ${quoteIdentifier(role)} ${verb === "GRANT" ? "TO" : "FROM"} CURRENT_USER`,
    );
  const locked = [...existing.map(sqlName), ...foreign.flatMap(({ own, other }) => [own, other])];
  let rights: string[] = [];
  const begin = async () => {
    await client.query("BEGIN");
    await runAll(client, roles("GRANT"));
    rights = await takeRights(client, existing.map(sqlName), locked);
  };
  await lockTables(client, asking, locked, begin, note);
  await requireSameShape(client, parts, data);
  const held = await foreignKeys(client, existing);
  if (JSON.stringify(held) !== JSON.stringify(foreign))
    throw new FailedError("somebody changed the tables' foreign keys meanwhile; nothing was changed");
  const names = new Set(existing.map(sqlName));
  const known = data.filter((entry) => names.has(sqlName(entry)));
  const forced = await liftPolicies(client, known.map(sqlName));
  await before?.keep(client, known);

  const loose = await looseChecks(client, existing);
  await runAll(
    client,
    [...held, ...loose].map(({ own, name }) => `ALTER TABLE ${own} DROP CONSTRAINT ${quoteIdentifier(name)}`),
  );
  const awake = await silenceTriggers(client, existing);
  if (preData) await client.query(preData);
  await makeNullable(client, manifest.nullable);
  forced.push(...(await liftPolicies(client, data.map(sqlName))));
  const emptied = known.map(sqlName);
  if (emptied.length > 0)
    await client.query(`TRUNCATE TABLE ${emptied.map((name) => `ONLY ${name}`).join(", ")}`);
  await loadAll(client, replacement);
  await client.query("SET CONSTRAINTS ALL IMMEDIATE");
  if (postData) await client.query(postData);
  await connectAgain(client, [...loose, ...held], keys);
  await runAll(client, awake);
  await setSequences(client, replacement);
  const comparer = new TablesComparer(manifest);
  for (const table of manifest.tables) await comparer.compare(client, table);
  const compared = comparer.result();
  if (!compared.match)
    throw new FailedError(
      `what was loaded is not what was backed up: ${compared.actual}; nothing was changed`,
    );
  await runAll(client, forced);
  const { problems } = await giveRights(client, fresh, { ...plan, borrowed: [] });
  if (problems[0] !== undefined) throw new FailedError(`${problems[0]}; nothing was changed`);
  await runAll(client, rights);
  await runAll(client, roles("REVOKE"));
  await client.query("COMMIT");
  return compared;
}

/**
 * Loads every table; one whose check reads another table that is still empty comes again after the rest, and then also
 * finds names without a schema.
 */
async function loadAll(client: Client, { archive, manifest, data }: Replacement): Promise<void> {
  const load = async (entry: TocEntry, searchPath: string) => {
    await client.query("SELECT pg_catalog.set_config('search_path', $1, true)", [searchPath]);
    await loadRows(client, archive, entry, manifest.server.encoding);
    await client.query("SELECT pg_catalog.set_config('search_path', '', true)");
  };
  /** Loads what can be loaded now. @returns what may only have come too early, and why */
  const round = async (waiting: readonly TocEntry[], path: string) => {
    const later: { entry: TocEntry; error: unknown }[] = [];
    for (const entry of waiting) {
      await client.query("SAVEPOINT loading");
      try {
        await load(entry, path);
        await client.query("RELEASE SAVEPOINT loading");
      } catch (error) {
        if (!isTooEarly(error)) throw error;
        await client.query("ROLLBACK TO SAVEPOINT loading");
        later.push({ entry, error });
      }
    }
    return later;
  };
  let later = await round(data, "");
  while (later.length > 0) {
    const before = later.length;
    later = await round(
      later.map(({ entry }) => entry),
      searchPathOf(manifest),
    );
    if (later.length === before) throw later[0]?.error;
  }
}

/**
 * Makes what was taken away again and the foreign keys the backup has, each key checked against every row.
 * @throws FailedError naming each that rows would break
 */
async function connectAgain(
  client: Client,
  held: readonly LooseCheck[],
  keys: readonly { entry: TocEntry; sql: string }[],
): Promise<void> {
  const problems: string[] = [];
  for (const { own, name, definition, comment } of held) {
    const constraint = `CONSTRAINT ${quoteIdentifier(name)}`;
    const problem = await attempt(client, `ALTER TABLE ${own} ADD ${constraint} ${definition}`);
    if (problem !== undefined) problems.push(`${own}: ${problem}`);
    else if (comment !== null)
      await client.query(`COMMENT ON ${constraint} ON ${own} IS ${client.escapeLiteral(comment)}`);
  }
  for (const { entry, sql } of keys) {
    const problem = await attempt(client, sql);
    if (problem !== undefined) problems.push(`${entry.schema}.${entry.name}: ${problem}`);
  }
  if (problems.length === 0) return;
  throw new FailedError(
    [
      ...problems.map((problem) => `a reference would break: ${problem}`),
      "nothing was changed; name the other tables as well (--table), or restore into a database of its own, without --in-place",
    ].join("\n"),
  );
}

/** Sequences never go back: a number that was given out since would be given out again. */
async function setSequences(client: Client, { sequences }: Replacement): Promise<void> {
  for (const entry of sequences) {
    const { name, value, called } = sequenceValue(entry);
    await client.query(
      `SELECT pg_catalog.setval($1::regclass, $2::bigint, $3) FROM ${name} s, pg_catalog.pg_sequence q
       WHERE q.seqrelid = $1::regclass AND (NOT s.is_called AND s.last_value = q.seqstart
         OR CASE WHEN q.seqincrement > 0 THEN $2::bigint > s.last_value ELSE $2::bigint < s.last_value END)`,
      [name, value, called],
    );
  }
}
