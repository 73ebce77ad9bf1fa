import { DatabaseError, type Client } from "pg";
import { UsageError } from "../../../packages/command/errors";

/** A CHECK that was taken away, so that rows which break it can be loaded, and what makes it again for new rows. */
export interface TakenCheck {
  statements: string[];
}

/** What the server says of a foreign key it cannot make without a look at the rows, one of a partitioned table; of its comment then. */
const NEEDS_A_LOOK = new Set(["42809", "0A000", "42704"]);

/** The names a CHECK goes by: its own, behind its table's or domain's, and behind that one's schema too. */
const NAMED = `k.conname = $1 OR c.relname || '.' || k.conname = $1 OR t.typname || '.' || k.conname = $1
  OR n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || k.conname = $1`;

/** Tables with such a CHECK, those they inherit it from and those that inherit it from these; and domains. */
const FOUND = `WITH RECURSIVE named AS (
    SELECT k.conname, k.conrelid, k.contypid FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
      LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND k.conrelid <> 0
      LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid AND k.contypid <> 0
    WHERE k.contype = 'c' AND (${NAMED})
  ), above AS (
    SELECT conname, conrelid FROM named WHERE conrelid <> 0
    UNION SELECT k.conname, k.conrelid FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.conrelid
      JOIN pg_catalog.pg_constraint k ON k.conrelid = i.inhparent AND k.conname = above.conname AND k.contype = 'c'
  ), family AS (
    SELECT conname, conrelid FROM above
    UNION SELECT k.conname, k.conrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.conrelid
      JOIN pg_catalog.pg_constraint k ON k.conrelid = i.inhrelid AND k.conname = family.conname AND k.contype = 'c'
  )
  SELECT k.oid, format('TABLE %s', k.conrelid::regclass) AS of, format('%s', k.conrelid::regclass) AS commented, k.conname,
    pg_catalog.pg_get_constraintdef(k.oid) AS definition, pg_catalog.obj_description(k.oid, 'pg_constraint') AS comment
  FROM family JOIN pg_catalog.pg_constraint k ON k.conrelid = family.conrelid AND k.conname = family.conname
  WHERE k.contype = 'c' AND k.coninhcount = 0
  UNION ALL
  SELECT k.oid, format('DOMAIN %s', k.contypid::regtype), format('DOMAIN %s', k.contypid::regtype), k.conname,
    pg_catalog.pg_get_constraintdef(k.oid), pg_catalog.obj_description(k.oid, 'pg_constraint')
  FROM named JOIN pg_catalog.pg_constraint k ON k.contypid = named.contypid AND k.conname = named.conname
  WHERE named.contypid <> 0 AND k.contype = 'c'
  ORDER BY 1`;

/**
 * Takes away every CHECK of that name, with those that inherit it.
 * @param client the tables' owner, in a database without rows
 * @param name `check`, `table.check` or `schema.table.check`; of a domain likewise
 * @throws UsageError when there is none
 */
export async function takeCheck(client: Client, name: string): Promise<TakenCheck[]> {
  const taken: TakenCheck[] = [];
  // A table that has one of its own keeps it when the one it inherits goes: it comes in the next round.
  for (;;) {
    const { rows } = await client.query<{
      of: string;
      commented: string;
      conname: string;
      definition: string;
      comment: string | null;
    }>(FOUND, [name]);
    if (rows.length === 0) break;
    for (const { of, commented, conname, definition, comment } of rows) {
      const quoted = client.escapeIdentifier(conname);
      await client.query(`ALTER ${of} DROP CONSTRAINT ${quoted}`);
      const again = definition.endsWith(" NOT VALID") ? definition : `${definition} NOT VALID`;
      const statements = [`ALTER ${of} ADD CONSTRAINT ${quoted} ${again}`];
      if (comment !== null)
        statements.push(
          `COMMENT ON CONSTRAINT ${quoted} ON ${commented} IS ${client.escapeLiteral(comment)}`,
        );
      taken.push({ statements });
    }
  }
  if (taken.length === 0)
    throw new UsageError(`--skip constraint:${name}: the backup has no such constraint`);
  return taken;
}

/** Makes them again, in the order in which they were taken: the one that is inherited first. */
export async function giveChecks(client: Client, taken: readonly TakenCheck[]): Promise<void> {
  for (const { statements } of taken) for (const statement of statements) await client.query(statement);
}

/**
 * Makes a foreign key for new rows only, where the server can.
 * @param script the statement that makes it, or its comment
 */
export async function makeLooseKey(client: Client, script: string): Promise<void> {
  try {
    await client.query(script.replace(/(\bADD CONSTRAINT [^]*?)( NOT VALID)?;$/m, "$1 NOT VALID;"));
  } catch (error) {
    if (!(error instanceof DatabaseError && NEEDS_A_LOOK.has(error.code ?? ""))) throw error;
  }
}
