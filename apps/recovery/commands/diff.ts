import type { Command } from "commander";
import { DatabaseError, type Client } from "pg";
import type { RunContext } from "../context";
import { ExitCode, FailedError, UsageError } from "../../../packages/command/errors";
import { columnsOf } from "../mask/rules";
import type { DiffOptions } from "../options";
import { wholeRows } from "../postgres/archiveRows";
import { compareLargeObjects, compareSequences, statementOf } from "../postgres/compare";
import { naming, withClient } from "../postgres/connect";
import { describeServer, withDatabase } from "../postgres/connection";
import { digestCopy } from "../postgres/copyOut";
import { readTables } from "../postgres/inventory";
import { quotedName, type TocEntry } from "../postgres/toc";
import { keyOf, RangeSums, type Key, type RangeContent } from "../ranges";
import { table, type RunVerb } from "../runner";
import { serverOf, type Settings } from "../settings";
import { damageOf, requireSpace, type SpooledArchive } from "../spool";
import { Stages } from "../stages";
import { findArchive, spoolArchive } from "../store/archiveSource";
import { select } from "../store/catalogue";
import { choose, openTargets } from "../store/fleet";
import type { DiffResult, Manifest, TableDifference, TableFingerprint } from "../types";

/**
 * Says in which tables, and in which ranges of their keys, a database differs from a backup. It reads both and changes
 * neither; no row leaves either side. Each table of the database is read as it is at that moment.
 * @throws UsageError for an unknown backup or table, FailedError when the backup is damaged or the database out of reach
 */
export async function runDiff(
  settings: Settings,
  options: DiffOptions,
  context: RunContext,
): Promise<DiffResult> {
  const stages = new Stages(context);
  const places = await openTargets(settings, options.target);
  const backup = { id: options.id };
  const pick = (catalogue: Parameters<typeof select>[0]) => select(catalogue, backup, context.now());
  const { entry, manifest, place } = await choose(places, backup, pick, context.progress.note);
  if (!manifest) throw new FailedError(`backup ${entry.id} is damaged: ${entry.problem ?? "unreadable"}`);
  const server = withDatabase(serverOf(settings), options.database ?? manifest.database);
  const wanted = chosen(manifest, options.tables);
  const archive = await findArchive(place.store, manifest);
  if (!archive) throw new FailedError(`the archive of ${manifest.id} is missing: ${manifest.archive.blob}`);
  if (archive.offline)
    throw new FailedError("the archive is offline (Archive tier); a restore brings it online first");
  requireSpace(settings.scratchDirectory, manifest.rawBytes, "the comparison");
  const spooled = await stages.run(
    "download",
    async (onBytes) =>
      (await spoolArchive(place.store, manifest, archive.blob, settings, context.signal, onBytes)).spooled,
    manifest.storedBytes,
  );
  try {
    const problem = damageOf(spooled, manifest);
    if (problem) throw new FailedError(`backup ${manifest.id} is damaged: ${problem}`);
    const compared = await stages.run("compare", () =>
      naming(server, () =>
        withClient(server, async (client) => {
          const tables: TableDifference[] = [];
          for (const group of wanted) {
            context.signal.throwIfAborted();
            tables.push(await compareTables(client, manifest, group, spooled));
          }
          return { tables, ...(await others(client, manifest, options)) };
        }),
      ),
    );
    const same =
      compared.tables.every(({ state }) => state === "same") &&
      compared.added.length === 0 &&
      compared.others.every(({ match }) => match);
    return {
      id: manifest.id,
      snapshotAt: manifest.snapshotAt,
      database: describeServer(server),
      same,
      ...compared,
    };
  } finally {
    spooled.remove();
  }
}

/**
 * Tables that are compared, most of them alone: of partitions whose rows a restore may have put into another one of them,
 * only all together can be.
 * @throws UsageError for a table the backup does not have
 */
function chosen({ tables }: Manifest, names: readonly string[] = []): TableFingerprint[][] {
  const groups = new Map<string, TableFingerprint[]>();
  for (const one of tables) {
    const key = one.scattered ? `through ${one.scattered.through}` : one.name;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const all = [...groups.values()];
  if (names.length === 0) return all;
  const named = names.map((name) => {
    const found = all.find((group) =>
      group.some((one) => columnsOf(one.copy).table === name || one.name === name),
    );
    if (!found) throw new UsageError(`--table ${name}: the backup has no such table; give schema.table`);
    return found;
  });
  return [...new Set(named)];
}

async function compareTables(
  client: Client,
  manifest: Manifest,
  group: readonly TableFingerprint[],
  { archive, content }: SpooledArchive,
): Promise<TableDifference> {
  const [first] = group;
  if (!first) throw new Error("nothing to compare");
  const alone = group.length === 1;
  const name = alone ? first.name : (first.scattered?.through ?? first.name);
  try {
    const key = alone ? await keyOf(client, first.name, columnsOf(first.copy).columns) : undefined;
    const live = rangesOf(key);
    const backup = new RangeSums(key);
    for (const one of group) {
      // Each COPY ends the digest it was given.
      const found = new RangeSums(key);
      await digestCopy(client, statementOf(one, manifest), found);
      found.ranges.forEach(({ rows, sum }, index) => {
        const range = live[index];
        if (range)
          Object.assign(range, { rows: range.rows + rows, sum: BigInt.asUintN(256, range.sum + sum) });
      });
      for await (const row of wholeRows(archive, entryOf(content, one))) backup.add(row);
    }
    const ranges = backup.ranges.flatMap((range, index) => {
      const other = live[index] ?? { rows: 0, sum: 0n };
      if (range.rows === other.rows && range.sum === other.sum) return [];
      return [{ ...edges(key, index), backup: range.rows, database: other.rows }];
    });
    const state = ranges.length === 0 ? "same" : "differs";
    return {
      name,
      state,
      key: key?.column ?? null,
      backup: rowsIn(backup.ranges),
      database: rowsIn(live),
      ranges,
    };
  } catch (error) {
    // The table, a column or its schema is not there any more.
    if (!(error instanceof DatabaseError) || !["42P01", "42703", "3F000"].includes(error.code ?? ""))
      throw error;
    const rows = group.reduce((sum, one) => sum + one.rows, 0);
    const state = error.code === "42703" ? "other columns" : "missing";
    return { name, state, key: null, backup: rows, database: null, ranges: [] };
  }
}

const rangesOf = (key: Key | undefined): RangeContent[] => new RangeSums(key).ranges;
const rowsIn = (ranges: readonly RangeContent[]) => ranges.reduce((sum, { rows }) => sum + rows, 0);

function entryOf(content: SpooledArchive["content"], { name }: TableFingerprint): TocEntry {
  const entries = "problem" in content ? [] : content.entries;
  const entry = entries.find((one) => one.kind === "TABLE DATA" && quotedName(one) === name);
  if (!entry) throw new FailedError(`table ${name} is not in the archive`);
  return entry;
}

/** From the first key on, and up to the next range's, which is not part of it. */
function edges(key: Key | undefined, index: number): { from: string | null; before: string | null } {
  return { from: key?.bounds[index - 1] ?? null, before: key?.bounds[index] ?? null };
}

/** What is no table of the backup: tables that came since, sequences, large objects. */
async function others(
  client: Client,
  manifest: Manifest,
  { tables = [] }: DiffOptions,
): Promise<Pick<DiffResult, "added" | "others">> {
  if (tables.length > 0) return { added: [], others: [] };
  const known = new Set(manifest.tables.map(({ copy }) => columnsOf(copy).table));
  const present = (await readTables(client)).map(({ schema, table: name }) => `${schema}.${name}`);
  return {
    added: present.filter((name) => !known.has(name)).sort(),
    others: [
      { what: "sequences", ...(await compareSequences(client, manifest)) },
      { what: "large objects", ...(await compareLargeObjects(client, manifest)) },
    ],
  };
}

interface DiffFlags {
  database?: string;
  table?: string[];
  target?: string;
  json?: boolean;
}

export function registerDiff(program: Command, runVerb: RunVerb): void {
  program
    .command("diff")
    .description(
      "say in which tables and ranges of keys a database differs from a backup; exit code 1 when it does",
    )
    .argument("<id>", "the backup, of any tier; see list")
    .option(
      "--database <name>",
      "database on the server of DATABASE_URL (default: the one that was backed up)",
    )
    .option(
      "--table <schema.table>",
      "only this table; may be repeated",
      (text: string, named: string[] = []) => [...named, text],
    )
    .option("--target <name>", "read the backup from this target (default: the best that holds it)")
    .option("--json", "print the differences as one JSON document")
    .action((id: string, { table: tables, ...flags }: DiffFlags) =>
      runVerb("diff", flags, ["database", "store"], async (settings, context) => {
        const result = await runDiff(settings, { id, tables, ...flags }, context);
        return {
          document: result,
          text: describe(result),
          exitCode: result.same ? ExitCode.ok : ExitCode.failed,
        };
      }),
    );
}

function describe({ id, snapshotAt, database, same, tables, added, others: rest }: DiffResult): string {
  if (same) return `${database} holds what backup ${id} of ${snapshotAt} holds: ${tables.length} tables\n`;
  const range = (key: string | null, from: string | null, before: string | null) =>
    key === null
      ? "all rows"
      : [from === null ? "" : `${key} from ${from}`, before === null ? "" : `${key} before ${before}`]
          .filter(Boolean)
          .join(", ") || "all rows";
  const rows = tables
    .filter(({ state }) => state !== "same")
    .flatMap(({ name, state, key, backup, database: live, ranges }) => [
      [name, state, String(backup), live === null ? "-" : String(live), ""],
      ...ranges.map(({ from, before, backup: was, database: is }) => [
        "",
        "",
        String(was),
        String(is),
        range(key, from, before),
      ]),
    ]);
  return [
    table(["TABLE", "STATE", "ROWS THEN", "ROWS NOW", "WHERE"], rows).trimEnd(),
    ...added.map((name) => `${name}: not in the backup`),
    ...rest.filter(({ match }) => !match).map(({ what, actual }) => `${what}: ${actual}`),
    "",
  ].join("\n");
}
