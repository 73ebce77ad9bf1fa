import type { Client } from "pg";
import { quoteIdentifier, withClient } from "./connect";
import { withDatabase, type ServerConnection } from "./connection";

/** Lets nobody log in as a role any more, and ends who has. */
export async function closeLogin(client: Client, role: string): Promise<void> {
  await client.query(`ALTER ROLE ${quoteIdentifier(role)} NOLOGIN PASSWORD NULL`);
  await client.query(
    "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1",
    [role],
  );
}

/**
 * Removes a role that a run has made for itself, with the rights it was given. One that owns something stays, without
 * login and without anybody but who made it among its members.
 * @param client in any database of the server
 * @returns whether it stays; not where it is gone already
 */
export async function dismissRole(client: Client, server: ServerConnection, role: string): Promise<boolean> {
  const name = quoteIdentifier(role);
  const known = await client.query("SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", [role]);
  if (known.rowCount === 0) return false;
  await closeLogin(client, role);
  const { rows } = await client.query<{ owns: boolean; database: string | null }>(
    `SELECT DISTINCT s.deptype = 'o' AS owns, coalesce(d.datname, o.datname) AS database
     FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid
       LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
       LEFT JOIN pg_catalog.pg_database o ON s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND o.oid = s.objid
     WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND r.rolname = $1`,
    [role],
  );
  if (rows.some(({ owns }) => owns)) {
    await forgetMembers(client, role);
    return true;
  }
  // Of one that owns nothing these are but rights.
  for (const database of new Set(rows.flatMap((row) => row.database ?? [])))
    await withClient(withDatabase(server, database), (there) => there.query(`DROP OWNED BY ${name}`));
  await client.query(`DROP ROLE IF EXISTS ${name}`);
  return false;
}

/** Before release 16 code that ran as a role could let others in. */
async function forgetMembers(client: Client, role: string): Promise<void> {
  const { rows } = await client.query<{ member: string }>(
    `SELECT m.rolname AS member FROM pg_catalog.pg_auth_members a
       JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
     WHERE r.rolname = $1 AND m.rolname <> current_user`,
    [role],
  );
  for (const { member } of rows)
    await client.query(`REVOKE ${quoteIdentifier(role)} FROM ${quoteIdentifier(member)}`);
}
