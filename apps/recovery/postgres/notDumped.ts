import type { Client } from "pg";
import type { LeftOut } from "../leaveOut";

/**
 * What pg_dump leaves out without failing, or what a restore never makes. The options of a user mapping, a password among
 * them, are shown to the mapped role and to the server's owner alone (view `pg_user_mappings`).
 */
const NOT_DUMPED = `
SELECT 'subscription' AS kind, pg_catalog.quote_ident(s.subname) AS name,
  'a restore makes none: it would take from the publisher what the original takes' AS reason
FROM pg_catalog.pg_subscription s
  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'user-mapping', pg_catalog.format('%s SERVER %s', m.usename, m.srvname),
  'its options, such as a password, are hidden from the role that backs up'
FROM pg_catalog.pg_user_mappings m JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid
WHERE m.umoptions IS NULL
  AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND NOT CASE WHEN m.umuser = 0 THEN pg_catalog.pg_has_role(s.srvowner, 'USAGE')
    ELSE m.usename = current_user
      AND (pg_catalog.pg_has_role(s.srvowner, 'USAGE') OR pg_catalog.has_server_privilege(s.oid, 'USAGE')) END
ORDER BY 1, 2`;

/** What of a database its dump does not hold, by name, and why. */
export async function readNotDumped(client: Client): Promise<LeftOut[]> {
  return (await client.query<LeftOut>(NOT_DUMPED)).rows;
}
