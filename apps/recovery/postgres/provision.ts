import type { Client } from "pg";
import { FailedError, messageOf } from "../../../packages/command/errors";
import type { Inventory } from "../types";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";
import { isAzureExtension } from "./pgRestore";
import type { TocEntry } from "./toc";

/**
 * Does for a new database what the role that loads may not, before anything of a backup is in it: whatever a backup holds
 * may be code, which must not run as whom the extensions are made by.
 * @param database name of the database, which is empty
 * @param entries what will be restored
 * @returns numbers of the entries that are done with this
 */
export type Provision = (
  database: string,
  entries: readonly TocEntry[],
  inventory: Inventory,
) => Promise<ReadonlySet<number>>;

/** Checks tables and indexes at level L5, whether or not the backup has it. */
export const AMCHECK = { name: "amcheck", schema: "pg_catalog" };
/** Objects of an extension, of one catalogue. */
const membersIn = (catalogue: string) => `FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
  JOIN pg_catalog.${catalogue} o ON d.classid = 'pg_catalog.${catalogue}'::regclass AND d.objid = o.oid
  WHERE d.deptype = 'e'`;

/**
 * What a role needs of an extension that another has made, to restore what a backup has of it, as far as that one may
 * give it: rows of its tables, servers of its wrappers, and the functions of amcheck. `$1` is the role.
 */
const GRANTS = `
  SELECT format('GRANT SELECT, INSERT ON %s TO %I', o.oid::regclass, $1::text) AS sql
  ${membersIn("pg_class")} AND o.oid = ANY (e.extconfig) AND o.relkind IN ('r', 'p')
    AND pg_catalog.has_table_privilege(o.oid, 'SELECT WITH GRANT OPTION')
  UNION ALL SELECT format('GRANT SELECT, UPDATE ON SEQUENCE %s TO %I', o.oid::regclass, $1::text)
  ${membersIn("pg_class")} AND o.oid = ANY (e.extconfig) AND o.relkind = 'S'
    AND pg_catalog.has_sequence_privilege(o.oid, 'SELECT WITH GRANT OPTION')
  UNION ALL SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO %I', o.fdwname, $1::text)
  ${membersIn("pg_foreign_data_wrapper")}
    AND pg_catalog.has_foreign_data_wrapper_privilege(o.oid, 'USAGE WITH GRANT OPTION')
  UNION ALL SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', o.oid::regprocedure, $1::text)
  ${membersIn("pg_proc")} AND e.extname = '${AMCHECK.name}'
    AND pg_catalog.has_function_privilege(o.oid, 'EXECUTE WITH GRANT OPTION')`;

/**
 * Makes a database's extensions, and lets another role use them.
 * @param maker who may make them
 * @param role who loads, and owns the database
 * @param more extensions beside those of the backup, where the server offers them
 */
export function provisionAs(
  maker: ServerConnection,
  role: string,
  more: readonly (typeof AMCHECK)[] = [],
): Provision {
  return (database, entries, inventory) =>
    withClient(withDatabase(maker, database), async (client) => {
      const extensions = extensionsOf(entries, inventory);
      // A schema that is no entry is the extension's own.
      const dumped = new Set(entries.filter(({ kind }) => kind === "SCHEMA").map(({ name }) => name));
      const schemas = new Set(
        extensions.map(({ schema }) => schema).filter((schema) => schema !== "public" && dumped.has(schema)),
      );
      for (const schema of schemas)
        await client.query(
          `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)} AUTHORIZATION ${quoteIdentifier(role)}`,
        );
      for (const extension of extensions) await createExtension(client, extension);
      for (const one of more) if (await isOffered(client, one.name)) await createExtension(client, one);
      const { rows } = await client.query<{ sql: string }>(GRANTS, [role]);
      if (rows.length > 0) await client.query(rows.map(({ sql }) => sql).join(";"));
      const isDone = ({ kind, name }: TocEntry) => kind === "SCHEMA" && schemas.has(name);
      return new Set(entries.filter(isDone).map(({ dumpId }) => dumpId));
    });
}

/** Extensions in the order of the archive, in which one comes before those that need it. */
function extensionsOf(entries: readonly TocEntry[], { extensions }: Inventory) {
  const known = new Map(extensions.map((extension) => [extension.name, extension]));
  return entries
    .filter(({ kind, name }) => kind === "EXTENSION" && !isAzureExtension(name))
    .flatMap(({ name }) => known.get(name) ?? []);
}

async function createExtension(client: Client, { name, schema }: { name: string; schema: string }) {
  try {
    await client.query(
      `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} WITH SCHEMA ${quoteIdentifier(schema)}`,
    );
  } catch (error) {
    throw new FailedError(
      `extension ${name} could not be made: ${messageOf(error)}; to restore without it: --skip 'extension:${name}'`,
    );
  }
}

async function isOffered(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_available_extensions WHERE name = $1", [
    name,
  ]);
  return rowCount === 1;
}
