import { Client, DatabaseError } from "pg";
import { messageOf } from "../../packages/command/errors";
import type { Finding, Ladder } from "./ladder";
import { disconnect, quoteIdentifier } from "./postgres/connect";
import { clientConfig, withDatabase, type ServerConnection } from "./postgres/connection";
import type { Probe } from "./settings";

/** What a role of the platform must be able to do in a restored database. */
const MUST: Readonly<
  Record<Probe["must"], { expected: string; work: (client: Client) => Promise<Finding> }>
> = {
  write: { expected: "reads its tables and writes a row", work: readAndWrite },
  alter: { expected: "alters a table that is its own", work: alter },
  read: { expected: "reads every table and sequence", work: readAll },
};
const TABLES_PER_QUERY = 50;
/** Errors that are no answer to a statement: connection, resources, operator, system, a read-only transaction, locks. */
const SESSION_OVER = /^(08|25006|53|55|57|58|XX)/;
const LIMITS = "SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'";

/**
 * Each role of the platform logs in through its own connection string and does what it must, in a transaction that is
 * rolled back: a restore is done when all of them can.
 * @param database the restored one, which need not have its final name yet
 * @param readOnly its own setting, which came back with it, asks whoever writes to say so
 */
export async function probeRoles(
  ladder: Ladder,
  probes: readonly Probe[],
  database: string,
  readOnly = false,
): Promise<void> {
  for (const { role, must, server } of probes) {
    const { expected, work } = MUST[must];
    await ladder.check(`role-${role}`, "L4", expected, () =>
      withSession(withDatabase(server, database), expected, work, readOnly),
    );
  }
}

/**
 * Nothing of a session outlives its transaction: behind a pooler the next transaction on the same connection to the
 * server is somebody else's.
 */
async function withSession(
  server: ServerConnection,
  expected: string,
  work: (client: Client) => Promise<Finding>,
  readOnly: boolean,
): Promise<Finding> {
  const client = new Client({ ...clientConfig(server), application_name: "recovery" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(readOnly ? "BEGIN READ WRITE" : "BEGIN");
    await client.query(LIMITS);
    return await work(client);
  } catch (error) {
    return { match: false, expected, actual: `as ${server.user}: ${messageOf(error)}` };
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
    await disconnect(client);
  }
}

/**
 * Whether an error says that a role lacks a right. Any other one is what the application's own triggers, policies and
 * constraints say to a statement that is not the application's: a policy may ask for a setting that a request makes, a
 * trigger may forbid every change of a journal.
 */
const isLackOfRights = (error: unknown): boolean => {
  const { code, routine } = error as { code?: string; routine?: string };
  return code === "42501" && routine !== "ExecWithCheckOptions";
};

/** What came of a statement that the application's own rules may refuse. @throws Error when a right is missing */
async function unlessRefused<T>(client: Client, work: () => Promise<T>): Promise<T | undefined> {
  await client.query("SAVEPOINT tried");
  try {
    const result = await work();
    await client.query("RELEASE SAVEPOINT tried");
    return result;
  } catch (error) {
    if (isLackOfRights(error) || !(error instanceof DatabaseError) || SESSION_OVER.test(error.code ?? ""))
      throw error;
    await client.query("ROLLBACK TO SAVEPOINT tried");
    return undefined;
  }
}

/** Whatever was locked is free again: a server has places for the locks of some thousand tables and indexes. */
async function startOver(client: Client): Promise<void> {
  await client.query("ROLLBACK AND CHAIN");
  await client.query(LIMITS);
}

interface Relation {
  name: string;
  kind: string;
  column: string | null;
  mine: boolean;
  writes: boolean;
}

/** Tables and sequences of the database, with what the current role may do. */
async function relations(client: Client): Promise<Relation[]> {
  const { rows } = await client.query<Relation & { schema: string; relation: string }>(`
    SELECT n.nspname AS schema, c.relname AS relation, c.relkind AS kind,
      pg_catalog.pg_has_role(c.relowner, 'USAGE') AS mine,
      c.relkind <> 'S' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') AS writes,
      (SELECT a.attname FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
        ORDER BY a.attnum LIMIT 1) AS column
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'S') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2`);
  return rows.map(({ schema, relation, ...rest }) => ({
    ...rest,
    name: `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`,
  }));
}

const isTable = ({ kind }: Relation) => kind === "r";
const nothingThere = (expected: string): Finding => ({
  match: true,
  expected,
  actual: "there is no table to try",
});

async function readAndWrite(client: Client): Promise<Finding> {
  const { expected } = MUST.write;
  const tables = (await relations(client)).filter(isTable);
  if (tables.length === 0) return nothingThere(expected);
  const usable = tables.filter(({ writes }) => writes);
  if (usable.length === 0) {
    return { match: false, expected, actual: `may read and write none of ${tables.length} tables` };
  }
  let written: string | undefined;
  let refused = 0;
  for (const [index, { name, column }] of usable.entries()) {
    if (index % TABLES_PER_QUERY === TABLES_PER_QUERY - 1) await startOver(client);
    const row = `SELECT ctid FROM ${name} LIMIT 1`;
    const found = await unlessRefused(client, async () => (await client.query(row)).rowCount);
    if (found === undefined) refused += 1;
    if (written !== undefined || !found || column === null) continue;
    const own = quoteIdentifier(column);
    const update = `UPDATE ${name} SET ${own} = ${own} WHERE ctid = (${row})`;
    const changed = await unlessRefused(client, async () => (await client.query(update)).rowCount);
    if (changed === undefined) refused += 1;
    if (changed === 1) written = name;
  }
  const rows =
    written !== undefined
      ? `wrote a row of ${written}`
      : refused > 0
        ? "no row that the application's own rules let it write"
        : "none has a row that can be written";
  return {
    match: true,
    expected,
    actual: `reads and may write ${usable.length} of ${tables.length} tables; ${rows}`,
  };
}

async function alter(client: Client): Promise<Finding> {
  const { expected } = MUST.alter;
  const tables = (await relations(client)).filter(isTable);
  if (tables.length === 0) return nothingThere(expected);
  const own = tables.filter(({ mine }) => mine);
  const [first] = own;
  if (!first) return { match: false, expected, actual: `owns none of ${tables.length} tables` };
  // A partition and a table of a type get no column of their own.
  await client.query(`ALTER TABLE ${first.name} ADD CONSTRAINT recovery_probe CHECK (true) NOT VALID`);
  return {
    match: true,
    expected,
    actual: `owns ${own.length} of ${tables.length} tables; altered ${first.name}`,
  };
}

async function readAll(client: Client): Promise<Finding> {
  const { expected } = MUST.read;
  const all = await relations(client);
  for (let from = 0; from < all.length; from += TABLES_PER_QUERY) {
    const parts = all
      .slice(from, from + TABLES_PER_QUERY)
      .map(({ name }) => `(SELECT 1 FROM ${name} LIMIT 1)`);
    await client.query(parts.join(" UNION ALL "));
    await startOver(client);
  }
  const tables = all.filter(isTable).length;
  return { match: true, expected, actual: `reads ${tables} tables and ${all.length - tables} sequences` };
}
