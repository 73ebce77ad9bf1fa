import { DatabaseError, type Client } from "pg";
import { NotRunError } from "../../../packages/command/errors";
import type { Manifest, TableFingerprint, TableMatch } from "../types";
import { withClient } from "./connect";
import type { ServerConnection } from "./connection";
import { digestCopy } from "./copyOut";
import { LargeObjectDigest, LargeObjectSum, RowDigest, sumOf } from "./rows";

const SEQUENCES_PER_QUERY = 100;
/** SQLSTATE of an undefined table, column and schema: the data are not there. Any other error proves nothing. */
const ABSENT = new Set(["42P01", "42703", "3F000"]);
const OBJECT_PART_BYTES = 1024 * 1024;

/** Expected and found, for a report; equal texts mean a match. */
export interface Comparison {
  match: boolean;
  expected: string;
  actual: string;
}

export type TablesComparison = Comparison & { tables: TableMatch[] };

const verdict = (differences: string[], expected: string): Comparison => ({
  match: differences.length === 0,
  expected,
  actual: differences.length === 0 ? expected : summary(differences),
});

/** The first differences in full, the rest as a number: 2,000 of them help nobody. */
function summary(differences: string[]): string {
  const shown = differences.slice(0, 5).join("; ");
  return differences.length > 5 ? `${shown}; and ${differences.length - 5} more` : shown;
}

/** Compares tables of a restored database with the manifest, one by one, and sums up what it found. */
export class TablesComparer {
  private readonly tables: TableMatch[] = [];
  private readonly differences: string[] = [];
  /** What was found of partitions whose rows may have changed places, by the table they were loaded through. */
  private readonly scattered = new Map<string, { rows: number; sum: string }[]>();
  private bytes = 0;

  constructor(
    private readonly manifest: Manifest,
    private readonly onBytes?: (total: number) => void,
  ) {}

  /** Reads a table in physical order, which is the order of the dump. */
  async compare(client: Client, table: TableFingerprint): Promise<void> {
    const difference = table.scattered
      ? await this.take(client, table, table.scattered.through)
      : await compareTable(client, table, this.manifest);
    if (difference) this.differences.push(difference);
    this.tables.push({ name: table.name, rows: table.rows, match: !difference });
    this.onBytes?.((this.bytes += table.bytes));
  }

  /** Reads a partition whose rows may lie in another now; what all of them hold together is compared at the end. */
  private async take(client: Client, table: TableFingerprint, through: string): Promise<string | undefined> {
    return unlessAbsent(table, async () => {
      const { rows, sum = "" } = await digestCopy(
        client,
        statementOf(table, this.manifest),
        new RowDigest(true, this.manifest.longRowBytes),
      );
      this.scattered.set(through, [...(this.scattered.get(through) ?? []), { rows, sum }]);
      return undefined;
    });
  }

  private compareScattered(): void {
    for (const [through, found] of this.scattered) {
      const members = this.manifest.tables.filter(({ scattered }) => scattered?.through === through);
      const total = (parts: readonly { rows: number }[]) => parts.reduce((sum, { rows }) => sum + rows, 0);
      const [expected, actual] = [total(members), total(found)];
      const sums = members.map(({ scattered }) => scattered?.sum ?? "");
      if (expected === actual && sumOf(sums) === sumOf(found.map(({ sum }) => sum))) continue;
      this.differences.push(
        expected === actual
          ? `${through}: ${expected} rows, but with other content`
          : `${through}: ${expected} rows expected, ${actual} found`,
      );
      const names = new Set(members.map(({ name }) => name));
      for (const table of this.tables) if (names.has(table.name)) table.match = false;
    }
    this.scattered.clear();
  }

  /** @throws Error unless every table of the manifest was compared */
  result(): TablesComparison {
    const missing = this.manifest.tables.length - this.tables.length;
    if (missing !== 0) throw new NotRunError(`${missing} tables were not compared`);
    this.compareScattered();
    const tables = [...this.tables].sort((one, other) => (one.name < other.name ? -1 : 1));
    const rows = this.manifest.tables.reduce((sum, table) => sum + table.rows, 0);
    return { ...verdict(this.differences, `${tables.length} tables with ${rows} rows match`), tables };
  }
}

/** Compares every table of a restored database; the largest go first, so that no connection idles behind one. */
export async function compareTables(
  server: ServerConnection,
  manifest: Manifest,
  options: { jobs: number; signal: AbortSignal; onBytes?: (total: number) => void },
): Promise<TablesComparison> {
  const queue = [...manifest.tables].sort((one, other) => other.bytes - one.bytes);
  const comparer = new TablesComparer(manifest, options.onBytes);
  const worker = () =>
    withClient(server, async (client) => {
      const stop = () => client.connection.stream.destroy();
      options.signal.addEventListener("abort", stop, { once: true });
      try {
        for (let table = queue.shift(); table; table = queue.shift()) {
          options.signal.throwIfAborted();
          await comparer.compare(client, table);
        }
      } catch (error) {
        options.signal.throwIfAborted();
        throw error;
      } finally {
        options.signal.removeEventListener("abort", stop);
      }
    });
  await Promise.all(Array.from({ length: Math.max(1, Math.min(options.jobs, queue.length)) }, worker));
  return comparer.result();
}

/** The statement that reads what was dumped of a table, as text of the manifest's encoding. */
export function statementOf(
  { name, copy, filter }: TableFingerprint,
  { server }: Manifest,
  other = filter,
): string {
  const [, columns = ""] = /\((.*)\) TO STDOUT$/s.exec(copy) ?? [];
  const rows = other === undefined ? copy : `COPY (SELECT ${columns} FROM ONLY ${name} ${other}) TO STDOUT`;
  return `${rows} WITH (ENCODING '${server.encoding.replaceAll("'", "''")}')`;
}

async function unlessAbsent(
  table: TableFingerprint,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && ABSENT.has(error.code ?? ""))
      return `${table.name}: ${error.message}`;
    throw error;
  }
}

function compareTable(
  client: Client,
  table: TableFingerprint,
  manifest: Manifest,
): Promise<string | undefined> {
  return unlessAbsent(table, async () => {
    const content = (filter?: string) =>
      digestCopy(client, statementOf(table, manifest, filter), new RowDigest(false, manifest.longRowBytes));
    let found = await content();
    if (found.sha256 !== table.sha256 && table.filter !== undefined) {
      // Another release of the extension brings other rows of its own, and says which.
      const filter = await currentFilter(client, table);
      if (filter !== undefined) found = await content(filter);
    }
    if (found.sha256 === table.sha256) return undefined;
    if (found.rows !== table.rows) return `${table.name}: ${table.rows} rows expected, ${found.rows} found`;
    return `${table.name}: ${table.rows} rows, but with other content or in another order`;
  });
}

async function currentFilter(client: Client, { name }: TableFingerprint): Promise<string | undefined> {
  const { rows } = await client.query<{ filter: string }>(
    `SELECT c.filter FROM pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) AS c(oid, filter)
     WHERE c.oid = pg_catalog.to_regclass($1)`,
    [name],
  );
  return rows[0]?.filter;
}

/** Compares the position of every sequence. */
export async function compareSequences(client: Client, manifest: Manifest): Promise<Comparison> {
  const differences: string[] = [];
  for (let from = 0; from < manifest.sequences.length; from += SEQUENCES_PER_QUERY) {
    const batch = manifest.sequences.slice(from, from + SEQUENCES_PER_QUERY);
    const { rows: present } = await client.query<{ name: string }>(
      "SELECT name FROM unnest($1::text[]) AS names(name) WHERE pg_catalog.to_regclass(name) IS NOT NULL",
      [batch.map(({ name }) => name)],
    );
    const parts = present.map(
      ({ name }) =>
        `SELECT ${client.escapeLiteral(name)} AS name, last_value::text AS value, is_called AS called FROM ${name}`,
    );
    const { rows } = await client.query<{ name: string; value: string; called: boolean }>(
      parts.join(" UNION ALL ") || "SELECT WHERE false",
    );
    const found = new Map(rows.map((row) => [row.name, row]));
    for (const expected of batch) {
      const actual = found.get(expected.name);
      if (actual?.value === expected.value && actual.called === expected.called) continue;
      differences.push(
        `${expected.name}: ${describe(expected)} expected, ${actual ? describe(actual) : "none"} found`,
      );
    }
  }
  return verdict(differences, `${manifest.sequences.length} sequences match`);
}

const describe = ({ value, called }: { value: string; called: boolean }) =>
  `${value}${called ? "" : " (not used)"}`;

/** Compares the content of all large objects. */
export async function compareLargeObjects(client: Client, manifest: Manifest): Promise<Comparison> {
  const sum = new LargeObjectSum();
  const expected = manifest.largeObjects;
  for (let after = 0; ;) {
    const { rows } = await client.query<{ oid: number }>(
      "SELECT oid::int8::float8 AS oid FROM pg_catalog.pg_largeobject_metadata WHERE oid > $1::oid ORDER BY oid LIMIT 1000",
      [after],
    );
    for (const { oid } of rows) sum.add(await readLargeObject(client, oid));
    after = rows.at(-1)?.oid ?? 0;
    if (rows.length === 0) break;
  }
  const actual = { count: sum.count, bytes: sum.bytes, sum: sum.toString() };
  const text = (value: typeof expected) => `${value.count} objects, ${value.bytes} bytes`;
  const match = actual.sum === expected.sum && actual.count === expected.count;
  const same = text(actual) === text(expected);
  return {
    match,
    expected: text(expected),
    actual: !match && same ? `${text(actual)}, with other content` : text(actual),
  };
}

async function readLargeObject(client: Client, oid: number): Promise<LargeObjectDigest> {
  const digest = new LargeObjectDigest(oid);
  for (let offset = 0; ; offset += OBJECT_PART_BYTES) {
    const { rows } = await client.query<{ part: Buffer }>(
      "SELECT pg_catalog.lo_get($1::oid, $2, $3) AS part",
      [oid, offset, OBJECT_PART_BYTES],
    );
    const part = rows[0]?.part ?? Buffer.alloc(0);
    digest.update(part);
    if (part.length < OBJECT_PART_BYTES) return digest;
  }
}
