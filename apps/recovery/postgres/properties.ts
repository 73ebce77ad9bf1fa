import type { Client } from "pg";
import { messageOf } from "../../../packages/command/errors";
import type { DatabaseProperties, Manifest } from "../types";
import { quoteIdentifier } from "./connect";
import { wordsOf } from "./statements";

/** What belongs to the database itself, which pg_dump leaves to whoever creates it. */
export async function readProperties(client: Client): Promise<DatabaseProperties> {
  const { rows } = await client.query<Omit<DatabaseProperties, "settings" | "grants">>(`
    SELECT pg_catalog.pg_get_userbyid(d.datdba) AS owner, d.datconnlimit AS "connectionLimit",
      pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
      CASE j->>'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS "localeProvider",
      COALESCE(j->>'datlocale', j->>'daticulocale') AS locale, j->>'daticurules' AS "icuRules"
    FROM pg_catalog.pg_database d, LATERAL (SELECT pg_catalog.to_jsonb(d)) AS x(j)
    WHERE d.datname = pg_catalog.current_database()`);
  const [found] = rows;
  if (!found) throw new Error("the database vanished while it was being read");
  const grants = await client.query<{ role: string; privilege: string; grantable: boolean }>(`
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(a.grantee) END AS role,
      a.privilege_type AS privilege, a.is_grantable AS grantable
    FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
    WHERE d.datname = pg_catalog.current_database() ORDER BY 1, 2`);
  const own = await client.query<{ changed: boolean }>(
    "SELECT datacl IS NOT NULL AS changed FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
  );
  const settings = await client.query<DatabaseProperties["settings"][number]>(`
    SELECT r.rolname AS role, s.setting
    FROM pg_catalog.pg_db_role_setting c
      JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase AND d.datname = pg_catalog.current_database()
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = c.setrole, unnest(c.setconfig) WITH ORDINALITY AS s(setting, position)
    ORDER BY r.rolname NULLS FIRST, s.position`);
  return {
    ...found,
    grants: own.rows[0]?.changed ? grants.rows : null,
    settings: settings.rows,
  };
}

/** Settings whose value is a list of names, stored with each quoted where it needs it. */
const LISTS = new Set([
  ...["search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"],
  ...["shared_preload_libraries", "unix_socket_directories"],
]);

/** Where sessions of the application look for names without a schema: the database's own setting, or PostgreSQL's. */
export function searchPathOf({ properties }: Pick<Manifest, "properties">): string {
  const own = properties?.settings.find(
    ({ role, setting }) => role === null && setting.startsWith("search_path="),
  );
  return own ? own.setting.slice("search_path=".length) : "public";
}

/** Whether the database's own setting makes its transactions read-only unless they say otherwise. */
export const isReadOnly = (properties: DatabaseProperties | undefined): boolean =>
  properties?.settings.some(
    ({ role, setting }) => role === null && /^default_transaction_read_only=(on|t|y|1)/i.test(setting),
  ) === true;

/**
 * Gives a database a restore has created what belonged to the one that was backed up, as far as the restoring role may:
 * grants, settings and limit. Its comment and its owner come when it has its name, see `putInPlace`.
 * @returns what did not come back, one text each
 */
export async function restoreProperties(
  client: Client,
  name: string,
  properties: DatabaseProperties,
): Promise<string[]> {
  const lost: string[] = [];
  const database = quoteIdentifier(name);
  const attempt = async (about: string, sql: string) => {
    try {
      await client.query(sql);
    } catch (error) {
      lost.push(`${about} is not restored: ${messageOf(error)}`);
    }
  };
  const { owner, grants, settings, connectionLimit } = properties;
  if (grants) {
    await attempt("REVOKE of the database from PUBLIC", `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    for (const { role, privilege, grantable } of grants) {
      const to = role === "PUBLIC" ? role : quoteIdentifier(role);
      const sql = `GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? " WITH GRANT OPTION" : ""}`;
      // Until the database is hers, which is the last step, its owner needs them like anybody else.
      if (role === owner) await client.query(sql).catch(() => undefined);
      else await attempt(`${privilege} on the database for ${role}`, sql);
    }
  }
  for (const { role, setting } of settings) {
    const [key = "", ...rest] = setting.split("=");
    const text = rest.join("=");
    // As texts, as pg_dump gives them: an empty name has no other form.
    const value = (LISTS.has(key) ? wordsOf(text).map((word) => word.text) : [text])
      .map((part) => client.escapeLiteral(part))
      .join(", ");
    const what = role === null ? "" : `ROLE ${quoteIdentifier(role)} IN `;
    const sql = `ALTER ${what}DATABASE ${database} SET ${key.split(".").map(quoteIdentifier).join(".")} TO ${value || "''"}`;
    await attempt(`setting ${key} of the database${role === null ? "" : ` for ${role}`}`, sql);
  }
  if (connectionLimit !== -1) {
    await attempt("the connection limit", `ALTER DATABASE ${database} CONNECTION LIMIT ${connectionLimit}`);
  }
  return lost;
}
