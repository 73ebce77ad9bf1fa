import type { Client } from "pg";
import { messageOf } from "../../../packages/command/errors";
import type { Manifest } from "../types";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";
import { readTables } from "./inventory";

/** Databases Azure keeps for itself on every flexible server. */
const OF_AZURE = ["azure_maintenance", "azure_sys"];
/** Made by initdb for clients that need some database to connect to. */
const MAINTENANCE = "postgres";

/** Databases of a server that hold somebody's data; `postgres` only when somebody made tables there. */
export async function userDatabases(client: Client, server: ServerConnection): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname AS name FROM pg_catalog.pg_database
     WHERE datallowconn AND NOT datistemplate AND datname <> ALL($1)
       AND pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY 1`,
    [OF_AZURE],
  );
  const names = rows.map(({ name }) => name);
  if (!names.includes(MAINTENANCE)) return names;
  const tables = await withClient(withDatabase(server, MAINTENANCE), readTables);
  return tables.length > 0 ? names : names.filter((name) => name !== MAINTENANCE);
}

/** True when a database holds nothing a restore could collide with. */
export async function isEmptyDatabase(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(`
    SELECT (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
            AND d.objid = c.oid AND d.deptype = 'e'))::int
      + (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata)::int
      + (SELECT count(*) FROM pg_catalog.pg_namespace
        WHERE nspname NOT IN ('information_schema', 'public') AND nspname !~ '^pg_'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::regclass
            AND d.objid = pg_namespace.oid AND d.deptype = 'e'))::int AS count`);
  return rows[0]?.count === 0;
}

export async function databaseExists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", [name]);
  return rowCount === 1;
}

/**
 * Creates a database of the backup's encoding and locale.
 * @returns the locale used instead when the server does not know the backup's
 */
export async function createDatabase(
  client: Client,
  name: string,
  source: Manifest["server"],
): Promise<string | undefined> {
  const fallbacks = source.encoding === "UTF8" ? ["C.UTF-8", "C"] : ["C"];
  const locales = [{ collate: source.collate, ctype: source.ctype }].concat(
    fallbacks.map((locale) => ({ collate: locale, ctype: locale })),
  );
  const literal = (text: string) => client.escapeLiteral(text);
  for (const [index, { collate, ctype }] of locales.entries()) {
    try {
      await client.query(
        `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ENCODING ${literal(source.encoding)}
         LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)}`,
      );
      return index === 0 ? undefined : collate;
    } catch (error) {
      if (index === locales.length - 1 || !/locale/i.test(messageOf(error))) throw error;
    }
  }
  return undefined;
}
