import type { Settings } from "../settings";
import { withClient } from "./connect";
import type { ServerConnection } from "./connection";

/** A queued ALTER TABLE must not keep a backup, and everything queued behind it, waiting for hours. */
const LOCK_WAIT_MS = 60_000;

/**
 * How long anything of a backup waits for a lock, in milliseconds: a minute, and less where a backup that moves no data is
 * given up before, so that it says what it waited for.
 */
export const lockWaitMs = ({ stallTimeoutSeconds }: Pick<Settings, "stallTimeoutSeconds">): number =>
  Math.min(LOCK_WAIT_MS, Math.ceil(stallTimeoutSeconds * 500));

const SHOWN = 5;

/** Who keeps everybody else from tables of a database: `public.orders is locked by …`, one text each, at most five. */
export async function tableLocks(server: ServerConnection): Promise<string[]> {
  return withClient(server, async (client) => {
    const { rows } = await client.query<{ said: string }>(`
      SELECT DISTINCT format('%s is locked by %s', c.oid::regclass, CASE
        WHEN x.gid IS NOT NULL THEN format('prepared transaction %L', x.gid)
        ELSE format('%s (%s), process %s', s.usename, s.application_name, l.pid) END) AS said
      FROM pg_catalog.pg_locks l
        JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = current_database()
        JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm')
        LEFT JOIN pg_catalog.pg_locks t ON l.pid IS NULL AND t.pid IS NULL
          AND t.virtualtransaction = l.virtualtransaction AND t.locktype = 'transactionid'
        LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
        LEFT JOIN pg_catalog.pg_stat_activity s ON s.pid = l.pid
      WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted ORDER BY 1 LIMIT ${SHOWN}`);
    return rows.map(({ said }) => said);
  });
}
