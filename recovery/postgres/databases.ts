import type { Client } from "pg";
import { withClient } from "./connect";
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
